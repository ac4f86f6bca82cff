"""The dashboard over HTTP: who is let in, what is answered, and what is refused."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from lab_testing import CONFIG, add_ended_trial, ended, stand_in
from served_lab import served

from pawn_lab.dashboard.exhibit import Exhibit
from pawn_lab.lab import Lab, queries

TOKEN = "a-secret-of-some-length"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A lab of one trial."""
    root = tmp_path_factory.mktemp("dashboard") / "runs"
    with Lab.open(root) as lab:
        add_ended_trial(lab, CONFIG)
    return root


@pytest.fixture(scope="module")
def url(root) -> Iterator[str]:
    """A dashboard that acts with the token, and shows without it."""
    with served(root, TOKEN) as url:
        yield url


@pytest.fixture(scope="module")
def read_only(root) -> Iterator[str]:
    """A dashboard that only shows."""
    with served(root) as url:
        yield url


def error_of(answer: httpx2.Response) -> str:
    return answer.json()["error"]


def call(url: str, tool: str, arguments: object, **headers: str) -> httpx2.Response:
    return httpx2.post(f"{url}/api/call/{tool}", json=arguments, headers=headers)


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("/", "text/html"), ("/page/app.js", "text/javascript"), ("/page/app.css", "text/css")],
)
def test_the_page_is_sent_once_and_then_only_where_it_changed(url, path, media_type) -> None:
    first = httpx2.get(url + path)
    assert first.status_code == 200
    assert first.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert "default-src 'none'" in first.headers["content-security-policy"]
    assert first.headers["x-content-type-options"] == "nosniff"
    again = httpx2.get(url + path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/", "/page/app.js", "/api/session", "/api/stream"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_page_of_another_site_gets_nothing(url, path, headers, status) -> None:
    assert httpx2.get(url + path, headers=BEARER | headers).status_code == status


@pytest.mark.parametrize(
    "target",
    [
        "/page/../../../../etc/passwd",
        "/page/%2e%2e/%2e%2e/pyproject.toml",
        "/page/..%2fbundle.py",
        "/../runs/lab.db",
        "//etc/passwd",
        "/page/",
    ],
)
def test_no_path_leads_to_another_file(url, target) -> None:
    """The target is sent as it stands: clients tidy it up first."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        request = f"GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.split(b" ", 2)[1] == b"404"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/page/app.js", "/api/session", "/api/view/x"])
def test_what_is_read_takes_no_other_method(url, method, path) -> None:
    assert httpx2.request(method, url + path).status_code == 405


def test_no_tool_is_called_by_a_link(url) -> None:
    assert httpx2.get(f"{url}/api/call/lab_status", headers=BEARER).status_code == 405


@pytest.mark.parametrize(
    ("given", "control"), [(BEARER, True), ({}, False), ({"Authorization": "Bearer no"}, False)]
)
def test_a_session_says_what_its_page_may_do(url, root, given, control) -> None:
    session = httpx2.get(f"{url}/api/session", headers=given)
    facts = session.json()
    assert (facts["mode"], facts["control"], facts["token"]) == ("live", control, True)
    assert facts["workspace"] == str(root)
    assert session.headers["cache-control"] == "no-store"
    assert session.headers["x-content-type-options"] == "nosniff"


def test_who_may_read_may_call_what_changes_nothing(read_only, url) -> None:
    for server in (read_only, url):
        assert call(server, "lab_status", {}).json()["counts"] == {"completed": 1}


def test_a_tool_answers_as_an_agent_would_have_it_and_at_once(url) -> None:
    answer = call(url, "lab_status", {"trial_id": "1"}).json()
    assert answer["detail"]["exit"]["reason"] == "completed"
    assert call(url, "lab_wait", {"until": "paused", "timeout_s": 60}).json()["over"] == "timeout"


def test_acting_needs_the_token(url, read_only) -> None:
    for server, headers in ((url, {}), (read_only, {}), (read_only, BEARER)):
        refused = call(server, "lab_set_cost", {"cost_per_hour": 2.5}, **headers)
        assert refused.status_code == 403
        assert "pawn-lab dashboard --control" in error_of(refused)
    done = call(url, "lab_set_cost", {"cost_per_hour": 2.5}, **BEARER)
    assert done.json()["cost_per_hour"] == 2.5


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({}, "dashboard"),
        ({"X-Pawn-Author": "Ada L."}, "dashboard: Ada L."),
        ({"X-Pawn-Author": "%C5%81ukasz"}, "dashboard: Łukasz"),
    ],
)
def test_an_event_says_who_acted(workspace, headers, name) -> None:
    exhibit = Exhibit(lambda: Lab.look(workspace, trainer=stand_in("complete")))
    Lab.open(workspace).close()
    with served(exhibit, TOKEN) as url, exhibit.open() as lab:
        launched = call(url, "lab_launch", {"config": CONFIG}, **BEARER, **headers)
        trial = ended(lab, launched.json()["trial_id"])
        assert queries.asked_by(lab, trial.id) == name
        call(url, "lab_set_cost", {"cost_per_hour": 2.5, "budget": 9}, **BEARER, **headers)
        (cost, budget) = queries.events(lab).events[-2:]
        assert (cost.kind, budget.kind) == ("cost", "budget")
        assert cost.data["by"] == budget.data["by"] == name


@pytest.mark.parametrize("name", ["", "x" * 25, "<script>", "a%0Ab"])
def test_a_name_that_is_none_is_refused(url, name) -> None:
    refused = call(url, "lab_notes", {"append": "x"}, **BEARER, **{"X-Pawn-Author": name})
    assert refused.status_code == 400
    assert "1 to 24 letters" in error_of(refused)


@pytest.mark.parametrize(
    ("tool", "arguments", "status", "said"),
    [
        ("lab_statsu", {}, 404, "there is no tool 'lab_statsu'; did you mean 'lab_status'"),
        ("lab_status", {"trial": 1}, 400, "lab_status has no argument 'trial'"),
        ("lab_status", {"trial_id": 99}, 404, "99"),
        ("lab_status", [1], 400, "the body"),
        ("lab_log", {"trial_id": 1, "lines": -5}, 400, "lines -5"),
    ],
)
def test_bad_input_is_refused_in_the_labs_words(url, tool, arguments, status, said) -> None:
    refused = call(url, tool, arguments)
    assert (refused.status_code, said in error_of(refused)) == (status, True), refused.text


def test_only_json_of_some_size_is_read(url) -> None:
    target = f"{url}/api/call/lab_status"
    assert httpx2.post(target, content=b"{}").status_code == 415
    huge = json.dumps({"tag": "x" * (5 << 20)}).encode()
    headers = {"Content-Type": "application/json"}
    assert httpx2.post(target, content=huge, headers=headers).status_code == 413


def test_an_unknown_view_and_a_doubled_argument_are_refused(url) -> None:
    assert "view 'nothing' is unknown" in error_of(httpx2.get(f"{url}/api/view/nothing"))
    assert "given twice" in error_of(httpx2.get(f"{url}/api/view/curves?trials=1&trials=2"))
