"""The task `A:`: right completions are worth everything, wrong ones what they have right."""

import chess
import numpy as np
import pytest

from pawn_core.tasks import Difficulty, TaskPrompt, TaskSettings, strata_of
from pawn_core.tasks.environment import Environment

HARD = Difficulty(hard_ratio=0.9)


@pytest.fixture(scope="module")
def prompts() -> list[TaskPrompt]:
    return Environment(TaskSettings(illegal_ratio=0.2)).prompts(5, range(300), HARD)


def test_right_completions_have_every_component(prompts: list[TaskPrompt]) -> None:
    task = Environment(TaskSettings())
    scores = task.score(prompts, task.completions(prompts))
    assert scores.valid.all()
    assert all(values.tolist() == [1.0] * len(prompts) for values in scores.components.values())


def test_each_part_is_verified_by_itself(prompts: list[TaskPrompt]) -> None:
    task = Environment(TaskSettings())
    (fen, number, terminated, _), prompt = prompts[0].answer.completion.split("+"), prompts[0]
    told = [f"{fen}+{number}+{terminated}+x", f"{fen}+7+{terminated}+0", "8/8", ""]
    told.append(f"{prompt.answer.completion}+0")
    components = task.score([prompt] * 5, told).components
    assert components["fen_exact"].tolist() == [1, 1, 0, 0, 1]
    assert components["format"].tolist() == [1, 1, 0, 0, 0]
    assert components["reward"].tolist() == [1, 0, 0, 0, 0]
    assert components["flags"].tolist() == [0, 1, 0, 0, 0]
    assert components["exact"].tolist() == [0, 0, 0, 0, 0]
    assert components["fen_fields"][1] == 1.0 > components["fen_similarity"][2] > 0.0


def test_strata_say_what_the_move_does(prompts: list[TaskPrompt]) -> None:
    task, seen = Environment(TaskSettings()), set()
    for prompt in prompts:
        board, uci = chess.Board(prompt.fen), prompt.answer.uci
        names = set(strata_of(task, prompt)) - {"plain", "pin"}
        assert names == expected(board, uci), (prompt.fen, uci)
        seen |= names
    assert seen >= set(task.strata) - {"pin", "stalemate"}


def expected(board: chess.Board, uci: str) -> set[str]:
    """Return the strata of a move but for pins, by python-chess."""
    names = {"check"} if board.is_check() else set()
    names |= {"endgame"} if len(board.piece_map()) <= 7 else set()
    legal = {move.uci(): move for move in board.legal_moves}
    if uci not in legal:
        return names | {"illegal"}
    move = legal[uci]
    facts = {
        "en_passant": board.is_en_passant(move),
        "castling": board.is_castling(move),
        "promotion": move.promotion is not None,
    }
    board.push(move)
    facts |= {"mate": board.is_checkmate(), "stalemate": board.is_stalemate()}
    return names | {name for name, holds in facts.items() if holds}


def test_history_is_part_of_the_prompt_where_asked_for() -> None:
    plain = Environment(TaskSettings(history=False, illegal_ratio=0.0))
    full = Environment(TaskSettings(illegal_ratio=0.0))
    short, long = (task.prompts(5, range(20), Difficulty()) for task in (plain, full))
    assert [p.answer for p in short] == [p.answer for p in long]
    for less, more in zip(short, long, strict=True):
        assert less.text.startswith("A: ")
        assert more.text.startswith(less.text)
        assert more.text.endswith(f"{more.answer.uci}+")


def test_components_are_those_of_the_registry(prompts: list[TaskPrompt]) -> None:
    from pawn_core.config.tasks import task_kind

    scores = Environment(TaskSettings()).score(prompts[:2], ["", "+"])
    assert tuple(scores.components) == tuple(task_kind("environment").components)
    assert all(values.dtype == np.float64 for values in scores.components.values())
