"""A model of positions in games: any position will do, from the start or from a FEN.

Shapes: m the allowed moves.
"""

import chess_engine
import torch
from torch import Tensor

from pawn_core.model.draws import draw, uniform_numbers
from pawn_core.position_model import PositionModel
from pawn_core.uci.choices import Choice
from pawn_core.uci.game_positions import GamePosition
from pawn_core.uci.play_settings import PlaySettings

_SHOWN_MOVES = 5


class PolicyGames:
    """Chooses moves by the policy of a model."""

    def __init__(self, model: PositionModel) -> None:
        self._model = model

    def warm_up(self, settings: PlaySettings) -> None:
        """Choose a move that counts for nothing, so that the first one takes no longer."""
        self.choose(GamePosition(), ["e2e4"], settings)

    @torch.inference_mode()
    def choose(self, position: GamePosition, allowed: list[str], settings: PlaySettings) -> Choice:
        """Return one of the allowed moves, which are legal ones."""
        torch.set_num_threads(settings.threads)
        ply = len(position.ucis)
        uniform_b = torch.from_numpy(
            uniform_numbers(settings.seed, [settings.game], ply + 1)[:, ply]
        )
        logits_m = self._logits(position.fen, allowed)
        (chosen,) = draw(logits_m[None], settings.temperature, uniform_b).tolist()
        likeliest = logits_m.double().softmax(0).topk(min(len(allowed), _SHOWN_MOVES))
        shown = zip(likeliest.indices.tolist(), likeliest.values.tolist(), strict=True)
        return Choice(allowed[chosen], tuple((allowed[at], share) for at, share in shown))

    def _logits(self, fen: str, allowed: list[str]) -> Tensor:
        planes = chess_engine.encode_positions([fen], targets=False, legal=False).planes
        indices, _ = chess_engine.policy_indices([fen], [allowed])
        policy = self._model(torch.from_numpy(planes), tasks=()).policy
        return policy[0, torch.from_numpy(indices.astype("int64"))]
