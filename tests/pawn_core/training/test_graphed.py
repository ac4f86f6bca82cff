"""Steps that are recorded and repeated: on a CPU, all of it but the capture itself."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from computing import compute_as_on_a_gpu, pretend_to_compile
from tiny import setup_of
from waiting import record_waits

from pawn_core.checkpoint.store import Checkpoint
from pawn_core.config import parse_config
from pawn_core.metrics import MetricsWriter, read_records
from pawn_core.run_paths import OPTIMIZER, RunPaths
from pawn_core.runtime import Runtime
from pawn_core.training.graphed import CHECKS, WARM_UP_STEPS, Graphed, HostRecorder
from pawn_core.training.learner import Learner
from pawn_core.training.learning import Learning, build_learner
from pawn_core.training.pretrain import Pretraining
from pawn_core.training.trainer import build_run

RUNTIME = Runtime(torch.device("cpu"), None, compiled=True, graphs=True)
STEPS = WARM_UP_STEPS + CHECKS + 4


@pytest.fixture(autouse=True)
def uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is computed is what is compiled on a GPU; the compiler takes seconds."""
    pretend_to_compile(monkeypatch)
    compute_as_on_a_gpu(monkeypatch)


@dataclass
class Recordings(HostRecorder):
    """Records as a CPU does, and counts."""

    recorded: int = 0
    repeated: int = 0

    def record(self, function):
        self.recorded += 1

        def replay():
            self.repeated += 1
            return function()

        return replay


class Refusing(HostRecorder):
    """Fails where half of a recording is done."""

    def record(self, function):
        function()
        raise RuntimeError("operation not permitted when stream is capturing\nat line 7")


def learner_of(raw, runtime: Runtime = RUNTIME, **fields) -> Learner:
    config = parse_config(raw | {"batching": "packed", "lr_schedule": "cosine"} | fields)
    return build_learner("", config, setup_of(config, runtime))


def recording(learner: Learner, recorder: HostRecorder) -> Graphed:
    """Let a learner's steps be recorded by a recorder."""
    updater = learner.updater
    moved = updater.optimizer.parameters, [*updater.optimizer.state_dict().values()]
    updater.graphed = Graphed(updater._move, *moved, torch.device("cpu"), recorder)
    return updater.graphed


def learn(learner: Learner, steps: int = STEPS, first: int = 0) -> list[float]:
    """Do steps and return each one's loss and gradient norm."""
    values = []
    for index in range(first, first + steps):
        learner.learn([learner.task.make_batch(index)], waited=0.0)
        window = learner.stats.take()
        values += [window["loss"], window["grad_norm"]]
    return values


def state_of(learner: Learner) -> list[torch.Tensor]:
    return [*learner.optimizer.parameters, *learner.optimizer.state_dict().values()]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"targets": "legal", "optimizer": "muon"},
        {"accumulation_steps": 2, "max_grad_norm": 0.05},
        {"amp_dtype": "bfloat16", "batching": "padded"},
        {"targets": "legal", "no_compile": True},
    ],
    ids=lambda fields: "-".join(fields) or "plain",
)
def test_repeated_steps_are_bitwise_those_of_a_run_that_repeats_none(tiny, fields) -> None:
    amp_dtype = torch.bfloat16 if "amp_dtype" in fields else None
    compiled = "no_compile" not in fields
    runtime = Runtime(torch.device("cpu"), amp_dtype, compiled=compiled, graphs=True)
    repeated, plain = (learner_of(tiny, runtime, **fields) for _ in range(2))
    recordings = Recordings()
    recording(repeated, recordings)
    plain.updater.graphed = None
    assert learn(repeated) == learn(plain)
    assert all(map(torch.equal, state_of(repeated), state_of(plain)))
    shapes = repeated.updater.graphed._shapes.values()
    assert recordings.recorded == sum(shape.replay is not None for shape in shapes) > 0
    assert recordings.repeated == STEPS - sum(shape.steps for shape in shapes) > CHECKS


@pytest.mark.parametrize("compiled", [True, False])
def test_a_run_learns_from_padded_batches_what_it_learns_from_them_as_they_are(
    tiny, compiled: bool
) -> None:
    runtime = replace(RUNTIME, compiled=compiled)
    for targets in ("sampled", "legal"):
        graphed = learner_of(tiny, runtime, targets=targets)
        plain = learner_of(tiny, replace(runtime, graphs=False), targets=targets)
        assert graphed.updater.graphed is not None
        assert plain.updater.graphed is None
        assert learn(graphed) == pytest.approx(learn(plain), rel=1e-5)
        for one, other in zip(state_of(graphed), state_of(plain), strict=True):
            assert (one - other).abs().max() < 1e-5
        [whole], [padded] = plain.task.make_batch(3), graphed.task.make_batch(3)
        assert (whole.units, whole.games) == (padded.units, padded.games)
        assert plain.task.flops(whole) == graphed.task.flops(padded)


def test_each_shape_is_recorded_once_and_too_many_are_done_plainly(
    tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = tiny | {"max_seq_len": 96, "batch_size": 16, "mate_boost": 1.0}
    repeated, plain = learner_of(raw), learner_of(raw)
    plain.updater.graphed = None
    recordings = Recordings()
    graphed = recording(repeated, recordings)
    monkeypatch.setattr("pawn_core.training.graphed.MOST_SHAPES", 1)
    assert learn(repeated, 9) == learn(plain, 9)
    parts = [repeated.task.make_batch(index) for index in range(9)]
    first, *others = (tuple(part.tokens_bt.shape for part in step) for step in parts)
    assert {first} < {first, *others}  # batches of one shape, and of others
    assert recordings.recorded == len(graphed._shapes) == 1
    assert recordings.repeated == others.count(first) + 1 - WARM_UP_STEPS


def test_a_recording_that_cannot_be_made_leaves_plain_steps_and_a_reason(tiny) -> None:
    refused, plain = learner_of(tiny), learner_of(tiny)
    plain.updater.graphed = None
    graphed = recording(refused, Refusing())
    assert learn(refused) == learn(plain)
    assert all(map(torch.equal, state_of(refused), state_of(plain)))
    assert graphed.refusal == "RuntimeError: operation not permitted when stream is capturing"


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("stale batch", "sum of a repeated step is"),
        ("stale rate", "shares of 0.2 to 0.2"),
        ("no movement", "shares of 1 to 1"),
        ("one left out", "shares of 0 to 1"),
    ],
)
def test_a_recording_that_computes_something_else_is_noticed_and_undone(tiny, kind, why) -> None:
    wrong, plain = (learner_of(tiny, warmup_steps=STEPS) for _ in range(2))
    plain.updater.graphed = None
    recordings = Recordings()
    graphed = recording(wrong, recordings)
    [first] = wrong.task.make_batch(0)

    def blind(function):
        inputs = next(iter(graphed._shapes.values())).inputs
        rate = inputs.lr.clone()
        if kind == "stale batch":
            return lambda: graphed._step([first], inputs.lr, inputs.units)
        if kind == "stale rate":
            return lambda: graphed._step(inputs.micro_batches, rate, inputs.units)
        left = graphed._parameters[-1:] if kind == "one left out" else graphed._parameters
        return lambda: _undone(function, left)

    recordings.record = blind
    assert learn(wrong) == learn(plain)
    assert all(map(torch.equal, state_of(wrong), state_of(plain)))
    assert why in graphed.refusal


def test_a_repeated_step_never_waits_for_the_device(tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    learner = learner_of(tiny, optimizer="muon")
    learn(learner)
    [batch] = learner.task.make_batch(STEPS)
    waits = record_waits(monkeypatch)
    learner.learn([[batch]], waited=0.0)
    assert waits == []


def test_a_run_says_whether_its_steps_are_repeated_and_why_not(tiny) -> None:
    def described(runtime: Runtime, **fields):
        config = parse_config(tiny | {"num_workers": 0} | fields)
        return Pretraining(setup_of(config, runtime)).describe()["graphs"]

    assert described(replace(RUNTIME, graphs=False)) is False
    assert described(RUNTIME) is True
    uncompiled = replace(RUNTIME, compiled=False)
    assert described(uncompiled, batching="packed") is True
    assert described(uncompiled) == "false: batches of this batching have no fixed shapes"


def test_a_run_goes_on_with_an_event_where_steps_cannot_be_recorded(tiny, tmp_path: Path) -> None:
    config = parse_config(tiny | {"batching": "packed", "num_workers": 0})
    stream = RunPaths(tmp_path).metrics
    with MetricsWriter(stream) as metrics:
        run = build_run(setup_of(config, RUNTIME), metrics)
        assert isinstance(run.task, Learning)
        recording(run.task.learners[0], Refusing())
        for _ in range(WARM_UP_STEPS + 3):
            run.advance()
        run.task.close()
    [event], _ = read_records(stream)
    assert (event["event"], event["step"]) == ("cuda_graphs", WARM_UP_STEPS)
    assert event["message"].startswith("steps are not repeated: RuntimeError: operation not")
    assert run.task.describe()["graphs"].startswith("false: RuntimeError: operation not")


def _undone(function, parameters):
    before = [parameter.detach().clone() for parameter in parameters]
    moved = function()
    with torch.no_grad():
        for parameter, saved in zip(parameters, before, strict=True):
            parameter.copy_(saved)
    return moved


def test_a_restored_learner_repeats_steps_of_the_weights_it_was_given(tiny) -> None:
    source, target = learner_of(tiny), learner_of(tiny)
    learn(source)
    learn(target, 2)
    tensors = source.task.tensors() | {OPTIMIZER: source.optimizer.state_dict()}
    target.restore(Checkpoint(source.step, tensors, source.state_dict(), {}))
    assert learn(target, first=STEPS) == learn(source, first=STEPS)
    assert all(map(torch.equal, state_of(target), state_of(source)))
