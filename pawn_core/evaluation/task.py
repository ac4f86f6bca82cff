"""Evaluating a model: the `eval` run type."""

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import accumulate
from pkgutil import resolve_name
from typing import Any

import torch

from pawn_core.checkpoint.store import Checkpoint
from pawn_core.config import ConfigError, EvalConfig
from pawn_core.config.evals import EVALS, Eval
from pawn_core.durable import replace_file
from pawn_core.evaluation.evaluation import Context, Evaluation
from pawn_core.evaluation.report import Report
from pawn_core.evaluation.subjects import AnySubject, load_measured, most_plies, speech_of
from pawn_core.machine import device_refusal
from pawn_core.run_paths import ACCUMULATORS, RunPaths
from pawn_core.training.run import Run
from pawn_core.training.setup import Setup
from pawn_core.training.task import Task

RESULTS_FORMAT = 1
_LOG = logging.getLogger("pawn_core")
_RECORDS = 100  # train records of a run, so that its speed is known and it is seen to go on
_SMALL = 1_000_000  # parameters of a model that a CPU will do for


class Evaluating(Task):
    """The chosen evaluations, one after the other; those that are done have a report each."""

    def __init__(self, setup: Setup) -> None:
        config = setup.config
        assert isinstance(config, EvalConfig)
        self._setup, self._config = setup, config
        self._subject: AnySubject = setup.opened or _opened(setup, _LOG.info)
        self._ends = list(accumulate(chosen.shards(config) for chosen in config.chosen))
        self._reports: list[Report] = []
        self._current: Evaluation | None = None
        self._logged = 0, time.perf_counter()

    @classmethod
    def fitted(cls, setup: Setup, say: Callable[[str], None]) -> Setup:
        """Return the setup with its model loaded and what its evaluations need read."""
        return replace(setup, opened=_opened(setup, say))

    def describe(self) -> dict[str, Any]:
        """Return which model it is, and how it computes."""
        runtime = self._setup.runtime
        computing = {"amp_dtype": runtime.precision, "compiled": runtime.compiled}
        weights = self._subject.document()["weights"]
        return {**computing, "parameters": self._subject.parameters, "weights": weights}

    def begin(self, run: Run, *, resumed: bool) -> None:
        """Write the results that a resumed run has already."""
        self._logged = run.step, time.perf_counter()
        if self._reports:
            self._write_results(run.paths)

    def advance(self, run: Run) -> None:
        """Do one shard of the evaluation whose turn it is."""
        run.phases.begin("first step")
        begin, _ = self._bounds()
        self._evaluation().run(run.step - begin)
        run.phases.begin("first steps")

    def log(self, run: Run) -> None:
        """Write how far it is a hundred times a run."""
        if run.step % max(1, self._config.length // _RECORDS) == 0:
            step, since = self._logged
            self._logged = run.step, time.perf_counter()
            shards_per_s = (run.step - step) / (self._logged[1] - since)
            run.record("train", {"shards_per_s": shards_per_s})

    def evaluate(self, run: Run) -> None:
        """Report an evaluation whose last shard is done: a record with all figures so far."""
        if self._done or run.step != self._bounds()[1]:
            return
        self._reports.append(self._evaluation().report())
        self.close()
        run.record("eval", self.last_metrics() | self._intervals())
        self._write_results(run.paths)

    def last_metrics(self) -> dict[str, Any]:
        """Return the figures so far, those of the latest evaluation first."""
        return {k: v for report in reversed(self._reports) for k, v in report.values().items()}

    def checkpoint(self, run: Run) -> Checkpoint:
        """Return the sums of the evaluation whose turn it is, and the reports of those before."""
        sums = self._current.state() if self._current else {}
        state = run.shared_state() | {
            "sha256": self._subject.sha256,
            "reports": [report.document() for report in self._reports],
        }
        config = self._config.model_dump(mode="json")
        return Checkpoint(run.step, {ACCUMULATORS: sums}, state, config)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on after the shards that are done.

        Raises:
            ValueError: it was made of other weights.
        """
        before, now = checkpoint.training_state["sha256"], self._subject.sha256
        if before != now:
            raise ValueError(
                f"weights {self._config.weights!r} are not those that were evaluated so far: their "
                f"SHA-256 is {now}, not {before}"
            )
        documents = checkpoint.training_state["reports"]
        self._reports = [Report.of_document(document) for document in documents]
        if not self._done and checkpoint.step > self._bounds()[0]:
            self._evaluation().restore(checkpoint.tensors[ACCUMULATORS])

    def close(self) -> None:
        """Give up the evaluation whose turn it was."""
        if self._current is not None:
            self._current.close()
        self._current = None

    @property
    def _done(self) -> bool:
        return len(self._reports) == len(self._ends)

    def _bounds(self) -> tuple[int, int]:
        """Return the first shard of the evaluation whose turn it is, and the one after its last."""
        turn = len(self._reports)
        return (self._ends[turn - 1] if turn else 0), self._ends[turn]

    def _evaluation(self) -> Evaluation:
        """Return the evaluation whose turn it is."""
        if self._current is None:
            chosen = self._config.chosen[len(self._reports)]
            self._current = _class_of(chosen)(_context(chosen, self._subject, self._setup))
        return self._current

    def _intervals(self) -> dict[str, float]:
        return {k: v for report in self._reports for k, v in report.intervals().items()}

    def _write_results(self, paths: RunPaths) -> None:
        """Write what has been found so far, in one step."""
        document = {
            "format": RESULTS_FORMAT,
            **self._subject.document(),
            "config": self._config.model_dump(mode="json"),
            "complete": self._done,
            "evaluations": [report.document() for report in self._reports],
        }
        replace_file(paths.results, json.dumps(document, indent=1).encode() + b"\n")


def _opened(setup: Setup, say: Callable[[str], None]) -> AnySubject:
    """Load the model, and refuse evaluations of it that cannot be made."""
    config = setup.config
    assert isinstance(config, EvalConfig)
    subject = load_measured(config.weights, setup.run_dir, setup.runtime.device)
    _check_subject(subject, setup, config)
    for chosen in config.chosen:
        _class_of(chosen).check(replace(_context(chosen, subject, setup), say=say))
    return subject


def _context(chosen: Eval, subject: AnySubject, setup: Setup) -> Context[Any]:
    config = setup.config
    assert isinstance(config, EvalConfig)
    return Context(
        subject.pretrained,
        config,
        setup.runtime,
        setup.stop,
        subject.trained_by,
        setup.paths.evaluation(chosen.name),
        subject.adapted_by,
    )


def _class_of(chosen: Eval) -> type[Evaluation]:
    return resolve_name(chosen.implementation)


def _check_subject(subject: AnySubject, setup: Setup, config: EvalConfig) -> None:
    """Refuse games that do not fit or were trained on, and a large model on a CPU unasked."""
    _check_kind(subject, config)
    fits, device = most_plies(subject.pretrained), setup.runtime.device
    if config.max_ply is not None and config.max_ply > fits:
        raise ConfigError(f"max_ply {config.max_ply} does not fit the model; allowed: 2 to {fits}")
    _check_fresh(config, subject.trained_by)
    large = subject.parameters > _SMALL
    refusal = device_refusal(config.device, large, torch.cuda.device_count())
    if device.type == "cpu" and refusal:
        raise ConfigError(refusal)


def _check_kind(subject: AnySubject, config: EvalConfig) -> None:
    """Refuse a model that the evaluations do not take."""
    speech = speech_of(subject)
    if speech not in (taken := config.takes("weights")):
        takers = ", ".join(e.name for e in EVALS if speech in e.measures)
        raise ConfigError(
            f"weights {config.weights!r} are of a model that speaks {speech}; "
            f"{config.reader('weights')} takes models that speak {' or '.join(sorted(taken))}; "
            f"allowed for it: {takers}"
        )


def _check_fresh(config: EvalConfig, trained_by: Mapping[str, Any]) -> None:
    trained_on = trained_by.get("data_seed", trained_by.get("seed"))
    if config.games_seed == trained_on and "games_seed" in _read_fields(config):
        raise ConfigError(
            f"games_seed {config.games_seed} is the seed of the games that {config.weights} was "
            "trained on; choose another"
        )


def _read_fields(config: EvalConfig) -> frozenset[str]:
    return frozenset().union(*(chosen.fields for chosen in config.chosen))
