"""What an adapter's run is built from: its backbone and its games."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import chess_engine
import torch

from pawn_core.adapters import Adapter, build_adapter
from pawn_core.config import AdapterConfig, ConfigError
from pawn_core.data.real_source import RealSource
from pawn_core.model import Transformer
from pawn_core.real_games import CachedGames, Games, Selection, open_games, training_selection
from pawn_core.run_paths import BACKBONE
from pawn_core.training.setup import Setup
from pawn_core.weights.backbone import Backbone
from pawn_core.weights.load import untrained
from pawn_core.weights.spec import ModelSpec
from pawn_core.weights.subject import Subject, load_backbone, load_subject


@dataclass(frozen=True)
class Opened:
    """The backbone and the games of a run."""

    subject: Subject | None
    """None where the model is trained from scratch."""
    adapter: Adapter
    spec: ModelSpec
    games: CachedGames

    @classmethod
    def of(cls, config: AdapterConfig, setup: Setup, say: Callable[[str], None]) -> Self:
        """Load the backbone, adapt it and open the games, which may have to be read first.

        Raises:
            ConfigError: either cannot be had, or the adapter does not fit the backbone.
            Interrupted: the run was asked to stop.
        """
        subject = None if config.adapts_by.from_scratch else _backbone(config, setup)
        spec = subject.pretrained.spec if subject else _spec_of(config)
        model = subject.pretrained.model if subject else untrained(spec).to(setup.runtime.device)
        adapter = _adapter(model, config)
        games = open_games(
            _selection(config, spec, setup),
            vocabulary=spec.vocabulary,
            stop=setup.stop,
            say=say,
            verify=setup.runtime.processes.leads,
        )
        return cls(subject, adapter, spec, games)

    def source(self, games: Games) -> RealSource:
        """Return some of the games as the model reads them."""
        vocabulary = chess_engine.export_move_vocabulary(self.spec.vocabulary)
        return RealSource(games, vocabulary, self.spec.prepend_outcome, torch.get_num_threads())


def _selection(config: AdapterConfig, spec: ModelSpec, setup: Setup) -> Selection:
    """Return the games to read; of a resumed run at the commits of the hub from before."""
    selection = training_selection(config, spec.max_seq_len, prepend_outcome=spec.prepend_outcome)
    if setup.checkpoint is None:
        return selection
    return selection.at(*setup.checkpoint.training_state["data"]["revisions"])


def _adapter(model: Transformer, config: AdapterConfig) -> Adapter:
    try:
        return build_adapter(model, config)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _backbone(config: AdapterConfig, setup: Setup) -> Subject:
    """Return the weights that the config names; of a resumed run the very ones from before."""
    assert config.checkpoint is not None
    if setup.checkpoint is None:
        subject = load_subject(config.checkpoint, setup.run_dir, setup.runtime.device)
        subject.as_backbone()  # which an adapter cannot be
        return subject
    document = setup.checkpoint.documents.get(BACKBONE, {})
    assert setup.resumed_from is not None
    backbone = Backbone.read(document, setup.resumed_from)
    return load_backbone(backbone, setup.run_dir, setup.runtime.device)


def _spec_of(config: AdapterConfig) -> ModelSpec:
    """Return the form of a model that is trained from scratch."""
    return ModelSpec(
        config.architecture, "searchless", config.max_seq_len, prepend_outcome=False, tied=True
    )
