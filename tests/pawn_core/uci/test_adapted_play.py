"""An adapter plays: the model that it makes of its backbone, from a trial of a workspace too."""

from pathlib import Path

import chess
import chess_engine
import pytest
import torch
from adapting import adapted_trial, backbone
from fronts import Heard

from pawn_core.uci.__main__ import load_model
from pawn_core.uci.play_settings import PlaySettings


@pytest.mark.parametrize("strategy", ["film", "lora"])
def test_an_adapter_of_a_trial_plays_what_it_was_trained_to(tmp_path: Path, strategy: str) -> None:
    trials, folder = tmp_path / "trials", tmp_path / "backbone"
    adapter = adapted_trial(folder, trials, strategy)
    policies = []
    for source in ("trial:3", str(folder)):
        games = load_model(source, trials, PlaySettings())
        (line,) = [s for s in Heard(games)("position startpos", "go") if " policy " in s]
        policies.append(dict(zip(line.split()[3::2], map(float, line.split()[4::2]), strict=True)))
    assert policies[0] != policies[1]
    adapted, plain = (policy_of(model) for model in (adapter.model, backbone()))
    for policy, expected in zip(policies, (adapted, plain), strict=True):
        assert policy == {uci: pytest.approx(expected[uci], abs=1e-4) for uci in policy}
        assert max(expected, key=expected.__getitem__) == next(iter(policy))


def policy_of(model: torch.nn.Module) -> dict[str, float]:
    """Return the probabilities of White's first moves, told that White mates."""
    tokens = chess_engine.export_move_vocabulary("searchless")
    ucis = [move.uci() for move in chess.Board().legal_moves]
    told = torch.tensor([[tokens.outcomes["white_checkmates"]]])
    with torch.inference_mode():
        logits_v = model(told)[0, -1]
    probabilities = logits_v[[tokens.move_ids[uci] for uci in ucis]].softmax(dim=0)
    return dict(zip(ucis, probabilities.tolist(), strict=True))
