"""The worker's answers, and `python -m pawn_core.board` as the server sees it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from adapting import adapted_trial
from position_weights import position_weights
from published import published_config, published_tensors
from safetensors.numpy import save_file

from pawn_core.board import __main__ as program
from pawn_core.board import worker as board_worker
from pawn_core.board.questions import QUESTIONS
from pawn_core.board.worker import BoardWorker
from pawn_core.config import ConfigError

MOVES = ["e2e4", "e7e5", "g1f3", "b8c6"]
FOOLS_MATE = ["f2f3", "e7e5", "g2g4", "d8h4"]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return weights of a model of moves and of one of positions."""
    root = tmp_path_factory.mktemp("weights")
    (root / "moves").mkdir()
    save_file(published_tensors(16, 1, 32, "searchless"), root / "moves" / "model.safetensors")
    config = published_config(16, 1, 2, 32, "searchless")
    (root / "moves" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    places = {"moves": root / "moves", "positions": position_weights(root / "positions")}
    return {kind: str(place) for kind, place in places.items()}


@pytest.fixture(scope="module")
def worker() -> BoardWorker:
    return BoardWorker(Path("nowhere"))


@pytest.mark.parametrize("kind", ["moves", "positions"])
def test_a_position_is_answered_with_moves_by_probability_beside_the_law(worker, sources, kind):
    answer = worker.answer("position", {"moves": MOVES, "ply": 3, "source": sources[kind]})
    shares = [move["p"] for move in answer["legal"]]
    assert shares == sorted(shares, reverse=True)
    assert {move["law"] for move in answer["legal"]} == {1 / 29}
    assert (answer["ply"], answer["model"]["kind"], answer["over"]) == (3, kind, None)
    assert answer["measures"]["kl"] > 0
    json.dumps(answer, allow_nan=False)


@pytest.mark.parametrize("kind", ["moves", "positions"])
def test_when_the_game_is_over_there_is_no_move_to_answer(worker, sources, kind) -> None:
    fields = {"moves": FOOLS_MATE, "source": sources[kind]}
    answer = worker.answer("position", fields)
    assert (answer["over"], answer["legal"]) == ("checkmate", [])
    assert ("why" in answer) == (kind == "positions")
    with pytest.raises(ConfigError, match=r"the game is over \(checkmate\)"):
        worker.answer("move", fields)


def test_the_curve_says_of_each_ply_what_the_position_says(worker, sources) -> None:
    fields = {"moves": MOVES, "source": sources["moves"]}
    curve = worker.answer("curve", fields)
    assert (curve["plies"], curve["p"][0], curve["law"][0]) == (4, None, 1 / 20)
    at = worker.answer("position", fields | {"ply": 2})
    (played,) = [move for move in at["legal"] if move["uci"] == MOVES[2]]
    assert (curve["p"][2], curve["kl"][2]) == (played["p"], at["measures"]["kl"])


def test_a_move_is_legal_and_the_same_of_a_seed(worker, sources) -> None:
    fields = {"moves": MOVES, "source": sources["moves"], "temperature": 3.0}
    drawn = [worker.answer("move", fields | {"game": number}) for number in range(6)]
    assert len({move["uci"] for move in drawn}) > 1
    assert drawn[2] == worker.answer("move", fields | {"game": 2})


def test_one_model_is_held_and_another_takes_its_place(monkeypatch, worker, sources) -> None:
    loads, load = [], board_worker.load
    monkeypatch.setattr(board_worker, "load", lambda s, r: loads.append(s) or load(s, r))
    worker = BoardWorker(Path("nowhere"))
    for kind in ("moves", "moves", "positions", "moves"):
        worker.answer("position", {"moves": [], "source": sources[kind]})
    assert loads == [sources[kind] for kind in ("moves", "positions", "moves")]
    with pytest.raises(ConfigError, match=r"weights 'nowhere\.safetensors' do not exist"):
        worker.answer("position", {"moves": [], "source": "nowhere.safetensors"})
    assert worker.answer("position", {"moves": [], "source": sources["positions"]})["legal"]


def test_an_adapter_stands_at_the_board_on_its_backbone(tmp_path) -> None:
    trials, folder = tmp_path / "trials", tmp_path / "backbone"
    adapted_trial(folder, trials, "lora")
    worker = BoardWorker(trials)
    answers = [
        worker.answer("position", {"moves": MOVES, "source": source})
        for source in ("trial:3", str(folder))
    ]
    adapted, plain = ({move["uci"]: move["p"] for move in a["legal"]} for a in answers)
    assert adapted != plain
    assert answers[0]["model"]["adapter"]["strategy"] == "lora"
    assert worker.answer("probes", {"moves": MOVES, "source": "trial:3"})["readings"]


def test_every_question_has_an_answer() -> None:
    assert board_worker._ANSWERS.keys() == QUESTIONS.keys()


def test_weights_that_predict_no_moves_are_refused_by_what_they_speak(worker, sources, tmp_path):
    weights = tmp_path / "text"
    weights.mkdir()
    save_file(published_tensors(16, 1, 32, "searchless"), weights / "model.safetensors")
    (weights / "config.json").write_text('{"run_type": "sft"}', encoding="utf-8")
    with pytest.raises(ConfigError, match="is of run_type 'sft', whose models speak text"):
        worker.answer("position", {"moves": [], "source": str(weights)})


def talk(lines: list[Any], *arguments: str) -> subprocess.CompletedProcess[bytes]:
    sent = b"".join(
        line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines
    )
    command = [sys.executable, "-m", "pawn_core.board", *arguments]
    return subprocess.run(command, input=sent, capture_output=True, timeout=200)


def test_a_line_that_is_no_question_is_answered_as_such(worker) -> None:
    for line in (b"nonsense\n", b'{"id": 3}\n', b"\xff\xfe\n", b"[1]\n", b"{" * 2000):
        assert "no question" in program._answered(worker, line)["error"]
    asked = {"id": "x", "question": "game", "fields": {"moves": FOOLS_MATE}}
    answered = program._answered(worker, json.dumps(asked).encode())
    assert (answered["id"], answered["answer"]["over"]) == ("x", "checkmate")


@pytest.mark.slow
def test_the_process_answers_lines_alone_and_ends_with_its_input(sources) -> None:
    game = {"id": 7, "question": "game", "fields": {"moves": FOOLS_MATE}}
    asked = {"id": 8, "question": "position", "fields": {"moves": [], "source": sources["moves"]}}
    ended = talk([b"nonsense\n", game, asked])
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [None, 7, 8]
    assert ended.returncode == 0


@pytest.mark.slow
def test_the_process_ends_when_nothing_is_asked() -> None:
    command = [sys.executable, "-m", "pawn_core.board", "--idle-s", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.wait(timeout=200) == 0
        assert process.stdout is not None
        assert process.stdout.read() == b""


@pytest.mark.slow
def test_a_model_that_does_not_fit_is_refused_and_the_next_question_answered(tmp_path) -> None:
    save_file(published_tensors(1024, 2, 4096, "searchless"), tmp_path / "model.safetensors")
    config = published_config(1024, 2, 16, 4096, "searchless")
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    asked = {"question": "position", "fields": {"moves": ["e2e4"], "source": str(tmp_path)}}
    game = {"id": 2, "question": "game", "fields": {"moves": []}}
    ended = talk([{"id": 1} | asked, game], "--memory-gib", "0.1")
    refused, answered = (json.loads(line) for line in ended.stdout.splitlines())
    assert "source: the model does not fit into memory" in refused["error"]
    assert "answer" in answered
    (whole,) = (json.loads(line) for line in talk([{"id": 1} | asked]).stdout.splitlines())
    assert whole["answer"]["measures"]
