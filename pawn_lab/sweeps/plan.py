"""A sweep's plan: what is varied, how points are chosen, and when one is stopped early."""

import json
import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pawn_core.config import RunConfig, run_type_named
from pawn_core.config.errors import did_you_mean, shown
from pawn_lab import shipped
from pawn_lab.configs import StoredConfig
from pawn_lab.documents import load_json_object
from pawn_lab.errors import InvalidConfigError, InvalidRequestError
from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting.metrics import of_merit
from pawn_lab.trials import checks, requests

MOST_TRIALS = 500
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_MOST_PLAN_BYTES = 1 << 20

Scalar = bool | int | float | str | None


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


class Range(_Strict):
    """Values from low to high, both included; whole numbers where both ends are."""

    low: int | float
    high: int | float
    log: bool = Field(False, description="Even in the logarithm.")

    @model_validator(mode="after")
    def _check_ends(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"low {self.low:g} has no logarithm; allowed: above 0")
        return self

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int)


class EarlyStopping(_Strict):
    """Trials pause at rungs (first_rung x factor^k steps) and only the better ones go on.

    asha: the best 1/factor of those that have reached the rung (Li et al., 2020, arXiv 1810.05934).
    median: those not worse than the median of at least `least` that have reached it.
    forecast: no rungs; a trial stops when its forecast lies wholly above another point's loss.
    """

    rule: Literal["asha", "median", "forecast"] = "asha"
    first_rung: int | None = Field(None, ge=1, le=100_000_000)
    factor: int = Field(3, ge=2, le=100)
    least: int = Field(3, ge=2, le=100)

    @model_validator(mode="after")
    def _check_rungs(self) -> Self:
        if (self.rule == "forecast") != (self.first_rung is None):
            raise ValueError(
                f"rule '{self.rule}' and first_rung {self.first_rung} do not fit: asha and median "
                "need one, forecast has none"
            )
        return self


Values = Annotated[list[Scalar], Field(min_length=1, max_length=MOST_TRIALS)]


class SweepPlan(_Strict):
    """One sweep as it was asked for."""

    config: dict[str, Any]
    arms: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_TRIALS)] = [{}]
    space: dict[str, Values | Range] = {}
    method: Literal["grid", "random", "tpe"] = "grid"
    points: int | None = Field(None, ge=1, le=MOST_TRIALS)
    seeds: int = Field(1, ge=1, le=100)
    parallel: int | None = Field(None, ge=1, le=1024)
    sampler_seed: int = Field(0, ge=0, le=2**31 - 1)
    early_stopping: EarlyStopping | None = None
    tags: list[str] = []
    hypothesis: str | None = None
    priority: int = 0

    @model_validator(mode="after")
    def _check_method(self) -> Self:
        ranges = [name for name, values in self.space.items() if isinstance(values, Range)]
        if self.method == "grid" and ranges:
            raise ValueError(f"a grid needs a list of values for {', '.join(ranges)}")
        if (self.method == "grid") == (self.points is not None):
            raise ValueError(
                f"method '{self.method}' and points {self.points} do not fit: " + _WHEN
            )
        if self.parallel is not None and self.method != "tpe":
            raise ValueError(
                "parallel belongs to method 'tpe'; other points are all queued at once"
            )
        if self.method == "tpe" and len(self.arms) > 1:
            raise ValueError("method 'tpe' learns from one arm: make a sweep of each")
        if self.method != "grid" and not self.space:
            raise ValueError(f"method '{self.method}' needs a space to choose from")
        return self

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        for arm in self.arms:
            if both := sorted(arm.keys() & self.space.keys()):
                raise ValueError(f"{', '.join(both)} is varied by an arm and by the space")
        ranked, metric = (
            self.method == "tpe" or self.early_stopping is not None,
            of_merit(self.kind),
        )
        if ranked and (other := sorted(self.kind.measured_on & self.space.keys())):
            raise ValueError(
                f"space {', '.join(other)}: {metric.name} of other {self.kind.sample} cannot be "
                "ranked; vary it by arms, or by a grid without early stopping"
            )
        return self

    @property
    def kind(self) -> type[RunConfig]:
        """The run type of its points."""
        return StoredConfig(self.config).kind

    @property
    def by_forecast(self) -> bool:
        """Whether trials are stopped by what they are expected to end with."""
        return self.early_stopping is not None and self.early_stopping.rule == "forecast"

    def rungs(self, stop: int) -> list[int]:
        """Return the steps at which trials pause for a decision, all before the last step."""
        rule = self.early_stopping
        if rule is None or rule.first_rung is None:
            return []
        rungs, step = [], rule.first_rung
        while step < stop:
            rungs.append(step)
            step *= rule.factor
        return rungs

    def resolved(self, overrides: dict[str, Any]) -> RunConfig:
        """Return the config of a point.

        Raises:
            InvalidConfigError: the trainer would refuse it.
        """
        try:
            config = checks.checked_config(self.config | overrides)
            if self.by_forecast:
                checks.check_can_be_forecast(config)
            return config
        except InvalidConfigError as error:
            raise InvalidConfigError(f"point {json.dumps(overrides)}: {error}") from None


_WHEN = "points belongs to random and tpe, which need it; a grid has as many as it has"


def checked_plan(raw: dict[str, Any]) -> SweepPlan:
    """Validate a plan; its points are checked when they are made.

    Raises:
        InvalidRequestError: one line for each problem.
    """
    checks.check_json("plan", raw)
    try:
        plan = SweepPlan.model_validate(raw)
    except ValidationError as error:
        lines = [_describe(problem) for problem in error.errors(include_url=False)]
        raise InvalidRequestError("\n".join(lines[:8])) from None
    fields = run_type_named(plan.config.get("run_type", "pretrain")).config.model_fields
    for name in plan.space:
        if name not in fields:
            hint = did_you_mean(name, fields)
            raise InvalidRequestError(f"space field {shown(name)} is no config field{hint}")
    requests.checked_tags(plan.tags)
    requests.checked_hypothesis(plan.hypothesis)
    requests.request(plan.priority, None)
    return plan


def read_plan(workspace: WorkspacePaths, name: str) -> dict[str, Any]:
    """Return a plan by its name, the file's name without its ending.

    It is the workspace's, or one of those that come with the lab.

    Raises:
        InvalidRequestError: no such plan, or a file that holds none.
    """
    folders = (shipped.PLANS, workspace.plans)
    plans = {path.stem: path for folder in folders for path in sorted(folder.glob("*.json"))}
    if not _NAME.fullmatch(name) or name not in plans:
        hint = did_you_mean(name[:100], plans) or f"; plans: {', '.join(sorted(plans)) or 'none'}"
        raise InvalidRequestError(f"plan {shown(name)} is not in {workspace.plans.name}/{hint}")
    try:
        return load_json_object(plans[name], most=_MOST_PLAN_BYTES)
    except OSError as error:
        raise InvalidRequestError(f"plan '{name}' cannot be read: {error}") from None


def _describe(problem: Any) -> str:
    where = ".".join(str(part)[:80] for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        hint = did_you_mean(where, SweepPlan.model_fields)
        return f"a plan has no '{where}'{hint or '; it has: ' + ', '.join(SweepPlan.model_fields)}"
    if problem["type"] == "value_error":
        return f"{where}: {problem['ctx']['error']}" if where else str(problem["ctx"]["error"])
    return f"{where} {shown(problem['input'])} is not allowed: {problem['msg']}"
