"""Who may ask a server: host names, origins of pages, tokens."""

import pytest

from pawn_lab.errors import InvalidRequestError
from pawn_lab.hosting import Access

TOKEN = "a-secret-of-some-length"


def scope(**headers: str) -> dict:
    return {"headers": [(name.encode(), value.encode()) for name, value in headers.items()]}


def status(access: Access, **headers: str) -> int | None:
    refusal = access.refusal(scope(**headers))
    return None if refusal is None else refusal.status_code


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8322", "localhost:1", "[::1]:8322"])
@pytest.mark.parametrize("scheme", [None, "http", "https"])
def test_the_machine_itself_is_asked_by_any_of_its_names(host, scheme) -> None:
    origin = {} if scheme is None else {"origin": f"{scheme}://{host}"}
    assert status(Access.to("127.0.0.1"), host=host, **origin) is None


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "127.0.0.1.evil.example", "127.0.0.1:80@evil.example", "localhost:80:80"],
)
def test_another_host_is_refused_and_so_are_its_pages(host) -> None:
    access = Access.to("127.0.0.1")
    assert status(access, host=host) == 421
    assert status(access, host="localhost", origin=f"http://{host}") == 403


@pytest.mark.parametrize("origin", ["null", "", "file://", "ftp://localhost", "localhost"])
def test_what_is_no_origin_of_ours_is_refused(origin) -> None:
    assert status(Access.to("127.0.0.1"), host="localhost", origin=origin) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_page_embeds_is_refused_and_a_link_from_there_is_followed(site) -> None:
    access = Access.to("127.0.0.1")
    embedded = {"host": "localhost", "sec-fetch-site": site}
    assert status(access, **embedded, **{"sec-fetch-mode": "no-cors"}) == 403
    assert status(access, **embedded, **{"sec-fetch-mode": "navigate"}) is None
    ours = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}
    assert status(access, host="localhost", **ours) is None


def test_a_request_says_once_which_host_it_is_for() -> None:
    doubled = {"headers": [(b"host", b"localhost"), (b"host", b"evil.example")]}
    for asked in (doubled, {"headers": []}):
        refusal = Access.to("127.0.0.1").refusal(asked)
        assert refusal is not None
        assert refusal.status_code == 421


def test_names_that_are_allowed_are_served_and_a_token_is_needed_beyond_this_machine() -> None:
    access = Access.to("0.0.0.0", ["gpu.example"], TOKEN)
    assert status(access, host="gpu.example:443", origin="https://gpu.example") is None
    assert not access.may_read(scope())
    assert access.may_read(scope(authorization=f"Bearer {TOKEN}"))
    with pytest.raises(InvalidRequestError, match="host '::' can be reached from other machines"):
        Access.to("::")


@pytest.mark.parametrize("given", ["", "Bearer", f"bearer {TOKEN}", f"Bearer {TOKEN}é", TOKEN])
def test_what_is_not_the_token_is_not(given) -> None:
    assert not Access.to("127.0.0.1", token=TOKEN).has_token(scope(authorization=given))
    assert not Access.to("127.0.0.1").has_token(scope(authorization="Bearer None"))


def test_a_token_that_is_made_for_control_leaves_reading_open() -> None:
    access, other = (Access.to("127.0.0.1", control=True) for _ in range(2))
    assert access.may_read(scope())
    assert not access.has_token(scope())
    assert access.has_token(scope(authorization=f"Bearer {access.token}"))
    assert not access.has_token(scope(authorization=f"Bearer {other.token}"))
