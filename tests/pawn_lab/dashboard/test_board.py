"""The board's process: asked in turn, started anew when it has died, never waited for for ever."""

import sys
from pathlib import Path

import anyio
import httpx2
import pytest
from boards import add_player
from served_lab import served
from starlette.exceptions import HTTPException

from pawn_lab.dashboard.board import BoardProcess
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab

TOKEN = "a-secret-of-some-length"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ANSWERS = """
import json, os, sys, time
for line in sys.stdin:
    asked = json.loads(line)
    match asked["question"]:
        case "die": os._exit(9)
        case "end": answer = {"id": asked["id"], "answer": {}}
        case "hang": time.sleep(600)
        case "stray": answer = {"id": -1, "answer": {}}
        case "noise": print("no json", flush=True); continue
        case "refuse": answer = {"id": asked["id"], "error": "moves[0] 'e9' is no move"}
        case _: answer = {"id": asked["id"], "answer": {"pid": os.getpid(), **asked["fields"]}}
    print(json.dumps(answer), flush=True)
    if asked["question"] == "end": break
"""


def asked_of(*questions: str, seconds: float = 60.0) -> list[object]:
    """Return what a process answers to questions, one after the other; errors as what they say."""

    async def ask() -> list[object]:
        board, answers = BoardProcess((sys.executable, "-S", "-c", ANSWERS)), []
        try:
            for question in questions:
                limit = 0.2 if question == "hang" else seconds
                try:
                    answers.append(await board.ask(question, {"n": len(answers)}, limit))
                except (InvalidRequestError, HTTPException) as error:
                    answers.append(error)
            return answers
        finally:
            await board.end()

    return anyio.run(ask)


def test_one_process_answers_all_questions() -> None:
    first, second = asked_of("a", "b")
    assert first == {"pid": second["pid"], "n": 0}
    assert second["n"] == 1


@pytest.mark.parametrize(
    ("question", "status", "why"),
    [
        ("die", 503, "the process of the board ended at 'die'; ask again"),
        ("stray", 503, "ask again"),
        ("noise", 503, "ask again"),
        ("hang", 504, "took more than 0.2 s for 'hang' and was ended"),
    ],
)
def test_after_a_process_that_failed_another_one_answers(question, status, why) -> None:
    before, failed, after = asked_of("a", question, "b")
    assert isinstance(failed, HTTPException)
    assert (failed.status_code, why in failed.detail) == (status, True)
    assert after["pid"] != before["pid"]


def test_a_process_that_has_ended_of_itself_is_started_anew_without_a_word() -> None:
    before, _, after = asked_of("a", "end", "b")
    assert after["pid"] != before["pid"]


def test_a_refusal_is_told_and_the_process_kept() -> None:
    before, refused, after = asked_of("a", "refuse", "b")
    assert isinstance(refused, InvalidRequestError)
    assert str(refused) == "moves[0] 'e9' is no move"
    assert after["pid"] == before["pid"]


def test_questions_wait_their_turn_and_too_many_are_refused() -> None:
    async def ask_at_once() -> list[object]:
        board, answers = BoardProcess((sys.executable, "-S", "-c", ANSWERS)), []

        async def ask(number: int) -> None:
            try:
                answers.append((await board.ask("a", {"n": number}, 60))["n"])
            except HTTPException as error:
                answers.append(error.detail)

        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(ask, number)
        await board.end()
        return answers

    answers = anyio.run(ask_at_once)
    assert sorted(n for n in answers if isinstance(n, int)) == list(range(8))
    assert answers.count("the board is busy: 8 questions wait; ask again later") == 2


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A dashboard of a trial with weights."""
    root = tmp_path_factory.mktemp("board") / "runs"
    with Lab.open(root) as lab:
        add_player(lab)
    with served(root, TOKEN) as url:
        yield url


@pytest.mark.parametrize(
    ("source", "status", "why"),
    [
        ("/etc/passwd", 400, "folders and repositories need the token of this server"),
        ("owner/name", 400, "weights of a trial, as trial:12@best"),
        (7, 400, "source '7' is not allowed"),
        ("trial:1@7", 400, "is not saved; saved: 200"),
        ("trial:9", 404, "9"),
        ("trial:../..", 400, "is no trial's weights"),
    ],
)
def test_who_only_reads_has_the_weights_of_trials_at_the_board(url, source, status, why) -> None:
    asked = {"moves": [], "source": source}
    refused = httpx2.post(f"{url}/api/board/position", json=asked)
    assert (refused.status_code, why in refused.json()["error"]) == (status, True), refused.json()


def test_the_board_is_asked_by_no_link_and_no_other_site(url) -> None:
    asked = f"{url}/api/board/game"
    assert httpx2.get(asked).status_code == 405
    foreign = {"Origin": "http://evil.example"}
    assert httpx2.post(asked, json={"moves": []}, headers=foreign).status_code == 403
    assert httpx2.post(asked, content=b"moves=").status_code == 415


@pytest.mark.slow
def test_the_server_answers_while_the_process_of_a_model_does_and_imports_no_torch(
    url, tmp_path: Path
) -> None:
    asked = {"moves": ["e2e4"], "source": "trial:1@200"}
    answer = httpx2.post(f"{url}/api/board/position", json=asked, timeout=120).json()
    assert answer["model"]["weights"]["step"] == 200
    assert len(answer["legal"]) == 20
    unknown = httpx2.post(f"{url}/api/board/draw", json={}, timeout=120)
    assert "question 'draw' is unknown; one of: game" in unknown.json()["error"]
    elsewhere = {"moves": [], "source": str(tmp_path)}
    refused = httpx2.post(f"{url}/api/board/position", json=elsewhere, headers=BEARER, timeout=120)
    assert "has no model.safetensors" in refused.json()["error"]
