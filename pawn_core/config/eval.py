"""Evaluation: a model measured by evaluations of choice, none of which trains it."""

import functools
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pawn_core.config.compute import ComputeConfig
from pawn_core.config.eval_games import RANDOM_PLAY, EvalGamesConfig
from pawn_core.config.eval_positions import EvalPositionsConfig
from pawn_core.config.eval_probes import EvalProbesConfig
from pawn_core.config.evals import BY_DEFAULT, EVAL_NAMES, EVALS, Eval, eval_named
from pawn_core.config.facts import Kinds, Merit, Metric, Panel, PathKind, Progress
from pawn_core.config.idle import Idle
from pawn_core.config.run import LocalRunConfig, RunConfig
from pawn_core.config.types import ABLATION, FIXED_ON_RESUME, Fraction, Seed, StepCount
from pawn_core.config.weights import WeightsSource
from pawn_core.programs import missing_program
from pawn_core.run_paths import ACCUMULATORS, CONFIG, STATE

DEFAULT_GAMES_SEED = 2_000_000_011
_CHECKPOINTS = 10  # of a run, unless it says otherwise


def _listed(value: Any) -> Any:
    """Return names as a tuple: of a list, or of `a,b` as a command line has them."""
    if isinstance(value, str):
        return tuple(name.strip() for name in value.strip("[]").replace('"', "").split(","))
    return tuple(value) if isinstance(value, list) else value


def _checked(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        eval_named(name)
    if len(set(names)) < len(names):
        raise ValueError("an evaluation is named twice")
    return names


EvalNames = Annotated[
    tuple[Annotated[str, Field(json_schema_extra={"enum": list(EVAL_NAMES)})], ...],
    Field(min_length=1),
    BeforeValidator(_listed),
    AfterValidator(_checked),
]


class EvalConfig(
    EvalGamesConfig, EvalPositionsConfig, EvalProbesConfig, ComputeConfig, LocalRunConfig
):
    """Measure a model; progress is counted in shards of the evaluations, one after the other."""

    progress: ClassVar[Progress] = Progress("total_shards", "shard")
    merit: ClassVar[Merit] = Merit("legality.legal_rate", "high")
    checkpoint_files: ClassVar[frozenset[str]] = frozenset({STATE, CONFIG, ACCUMULATORS})
    measured_on: ClassVar[frozenset[str]] = frozenset().union(*(e.fields for e in EVALS))
    incidental: ClassVar[frozenset[str]] = RunConfig.incidental | {
        "no_compile",
        "sdpa_math",
        "play_timeout_s",
    }
    metrics: ClassVar[tuple[Metric, ...]] = tuple(m for e in EVALS for m in e.metrics)
    panels: ClassVar[tuple[Panel, ...]] = tuple(
        Panel(e.name.capitalize(), tuple(m.name for m in e.metrics)) for e in EVALS
    )
    floors: ClassVar[Mapping[str, str]] = {"ceiling.top1": "ceiling.bound"}
    beside_merit: ClassVar[tuple[str, ...]] = tuple(e.metrics[0].name for e in EVALS[1:])
    sample: ClassVar[str] = "games"
    kinds: ClassVar[Kinds] = Kinds("games", frozenset({"mate_boost", "discard_ply_limit"}))
    rarely_set: ClassVar[frozenset[str]] = RunConfig.rarely_set | (
        {"amp_dtype", "no_amp", "sdpa_math"}
    )
    paced_by: ClassVar[Literal["train", "eval"]] = "train"
    pace_fields: ClassVar[frozenset[str]] = RunConfig.pace_fields | (
        {"weights", "evals", "shard_games", "max_ply", "amp_dtype", "no_compile", "sdpa_math"}
        | {"play_opponent", "play_nodes"}
    )
    weights_fields: ClassVar[frozenset[str]] = frozenset({"weights", "play_opponent"})
    path_fields: ClassVar[Mapping[str, PathKind]] = {"pgn": "games", "positions": "folder"}
    measured_field: ClassVar[str | None] = "weights"

    run_type: Literal["eval"] = Field(
        "eval", description="Kind of run.", json_schema_extra=FIXED_ON_RESUME
    )
    weights: WeightsSource = Field(
        description="What to evaluate: trial:3, trial:3@best, trial:3@5000, a checkpoint or its "
        "folder, a .safetensors file, or a Hugging Face repository.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )
    evals: EvalNames = Field(
        BY_DEFAULT,
        description=f"What to measure, in this order: {', '.join(EVAL_NAMES)}.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    total_shards: StepCount | None = Field(
        None,
        description="Shards of work; follows from evals.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    checkpoint_interval: StepCount | None = Field(
        None, description="Shards between checkpoints; default: a tenth of them all."
    )
    gpus: int = Field(1, ge=1, le=1, description="An evaluation computes on one device.")
    no_compile: bool | None = Field(
        True, description="true: never torch.compile; false: always; null: on a GPU only."
    )
    amp_dtype: Literal["auto", "bfloat16", "float16", "none"] = Field(
        "none",
        description="Autocast type; 16-bit ones are faster, and move the figures.",
        json_schema_extra=FIXED_ON_RESUME,
    )

    # Fresh games
    games: int = Field(
        2048,
        ge=1,
        le=10_000_000,
        description="Random games to measure on.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    games_seed: Seed = Field(
        DEFAULT_GAMES_SEED,
        description="Of those games; never a seed of games that were trained or selected on.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    max_ply: int | None = Field(
        None,
        ge=2,
        le=1024,
        description="Their length at most; default: what the model's context holds.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    mate_boost: Fraction = Field(
        0.0,
        description="Probability of playing a mate in one.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    discard_ply_limit: bool = Field(
        False,
        description="Only games that ended by the rules.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    shard_games: int = Field(
        64,
        ge=1,
        le=4096,
        description="Games computed at once: more take more memory.",
        json_schema_extra=FIXED_ON_RESUME,
    )

    @model_validator(mode="after")
    def _check_shards(self) -> Self:
        shards = self.follows()["total_shards"]
        if self.total_shards != shards:
            raise ValueError(
                f"total_shards {self.total_shards} is not allowed: evals comes to {shards}; "
                "leave it out"
            )
        return self

    @model_validator(mode="after")
    def _check_pgn(self) -> Self:
        if "accuracy" in self.evals and self.pgn is None:
            raise ValueError("pgn is missing: evals has accuracy, which reads a file of real games")
        return self

    @model_validator(mode="after")
    def _check_positions(self) -> Self:
        if "positions" in self.evals and self.positions is None:
            raise ValueError(
                "positions is missing: evals has positions, which reads a folder of labelled ones"
            )
        return self

    @model_validator(mode="after")
    def _check_measurable(self) -> Self:
        if not self.takes("weights"):
            kinds = "; ".join(f"{e.name}: {' or '.join(sorted(e.measures))}" for e in self.chosen)
            raise ValueError(f"evals has no model that all of it measures ({kinds}): split it")
        return self

    @model_validator(mode="after")
    def _check_probe_seed(self) -> Self:
        if "probes" in self.evals and self.probe_seed == self.games_seed:
            raise ValueError(
                f"probe_seed {self.probe_seed} is also games_seed: probes must not be trained on "
                "the games that they are read on"
            )
        return self

    @classmethod
    def kind_of(cls, config: Mapping[str, Any]) -> type[RunConfig]:
        """Return a class whose metric of merit is the headline of the first evaluation."""
        names = config.get("evals")
        first = names[0] if isinstance(names, list) and names else None
        return _ranked_by(first) if first in EVAL_NAMES else cls

    @property
    def chosen(self) -> tuple[Eval, ...]:
        """The evaluations to make, in order."""
        return tuple(map(eval_named, self.evals))

    def takes(self, field: str) -> frozenset[str]:
        """Return what models of a field's weights may speak: of `weights`, what all measure."""
        if field == "weights":
            return frozenset.intersection(*(evaluation.measures for evaluation in self.chosen))
        return eval_named("play").measures

    def reader(self, field: str) -> str:
        """Return the evaluations, which decide what models they take."""
        return f"evals '{','.join(self.evals)}'" if field == "weights" else "evals 'play'"

    def misfit(self, field: str, trained: Mapping[str, Any]) -> str | None:
        """Say which games are longer than the context of the model whose weights are measured."""
        context, outcome = trained.get("max_seq_len"), trained.get("prepend_outcome")
        if field != "weights" or context is None or outcome is None:
            return None
        read = frozenset().union(*(evaluation.fields for evaluation in self.chosen))
        most = context + (not outcome)
        for name in ("max_ply", *sorted({"yardstick_plies"} & read)):
            plies = getattr(self, name)
            if plies is not None and plies > most:
                fits = f"whose context is {context} tokens; allowed: 2 to {most}"
                return f"{name} {plies} does not fit the model, {fits}"
        return None

    def follows(self) -> dict[str, Any]:
        """Return what null fields come to."""
        shards = sum(evaluation.shards(self) for evaluation in self.chosen)
        filled = {"total_shards": shards, "checkpoint_interval": -(-shards // _CHECKPOINTS)}
        return super().follows() | filled

    def weights_named(self) -> dict[str, str]:
        """Return the weights that the config names; random play and programs have none."""
        named = super().weights_named()
        if self.play_program is not None or self.play_opponent == RANDOM_PLAY:
            del named["play_opponent"]
        return named

    def refusals(self) -> list[str]:
        """Return why the config cannot be honoured here; a missing opponent is one reason."""
        reads = any("play_opponent" in evaluation.fields for evaluation in self.chosen)
        program = self.play_program if reads else None
        return super().refusals() + (missing_program("play_opponent", program) if program else [])

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing, those of other evaluations among them."""
        yield from super().idle_fields(on_gpu)
        read = frozenset().union(*(evaluation.fields for evaluation in self.chosen))
        for field in sorted(self.measured_on - read):
            readers = ", ".join(e.name for e in EVALS if field in e.fields)
            default = type(self).model_fields[field].default
            yield Idle(field, default, f"evals has none that reads it: {readers}")
        if all(evaluation.in_float32 for evaluation in self.chosen):
            yield Idle("amp_dtype", "none", "what evals names is computed in float32")


@functools.cache
def _ranked_by(name: str) -> type[EvalConfig]:
    headline = eval_named(name).metrics[0]
    assert headline.better is not None, "runs are ranked by it"
    merit = Merit(headline.name, headline.better)
    if merit == EvalConfig.merit:
        return EvalConfig
    others = tuple(e.metrics[0].name for e in EVALS if e.name != name)
    return EvalConfig.saying(merit=merit, beside_merit=others)
