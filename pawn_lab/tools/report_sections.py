"""The sections of a report, each from what another tool answers or a trial's files say."""

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pawn_core.evaluation.report import Figure, Report
from pawn_lab.documents import read_json_object
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, queries, spending
from pawn_lab.records import Trial
from pawn_lab.reporting import notes
from pawn_lab.reporting.document import (
    Block,
    Chapter,
    Commands,
    Grid,
    Items,
    Picture,
    Prose,
    Tables,
)
from pawn_lab.reporting.metrics import by_merit
from pawn_lab.reporting.notes import trials_named
from pawn_lab.tools.audit import lab_audit
from pawn_lab.tools.compare import CompareAnswer, lab_compare
from pawn_lab.tools.notation import time_of_year
from pawn_lab.tools.plot import MOST_CURVES, lab_plot
from pawn_lab.tools.report_study import EvaluatedModel, ReportedStudy
from pawn_lab.tools.results import lab_results
from pawn_lab.tools.values import as_table
from pawn_lab.views import answered

MOST_TOKENS = 20_000
"""Of an answer that a section is made of: a report is not read token by token."""
MOST_METRICS, MOST_POINTS = 8, 400
"""Of the curves in a page, which has all of them inside."""
HASH_CHARACTERS = 12
Comparison = CompareAnswer | str
_SHA256 = re.compile("[0-9a-f]{64}")
_ROUTINE = frozenset({"queued", "launching", "running", "completed", "paused", "checkpoint"})
_SAME = ("commit", "code_sha256", "python", "system", "device_name", "driver")


def sections(study: ReportedStudy, comparisons: Sequence[Comparison]) -> list[Chapter]:
    """Return the whole report; sections without content are left out."""
    made = (
        Chapter("Question", list(_question(study))),
        Chapter("Trials", list(_trials(study))),
        Chapter("Verdicts", [block for made in comparisons for block in _compared(made)]),
        Chapter("Curves", list(_curves(study))),
        *_evaluations(study),
        Chapter("Cost", list(_cost(study))),
        Chapter("Anomalies", list(_anomalies(study))),
        Chapter("Notes", list(_notes(study))),
        Chapter("Provenance", list(_provenance(study))),
        Chapter("To repeat it", list(_commands(study))),
        *_details(study),
    )
    return [section for section in made if section.blocks]


def _question(study: ReportedStudy) -> Iterator[Block]:
    if study.question:
        yield Prose(study.question)
    by_hypothesis: dict[str, list[int]] = {}
    for trial in study.trained:
        if trial.hypothesis:
            by_hypothesis.setdefault(trial.hypothesis, []).append(trial.id)
    if by_hypothesis:
        yield Items([f"{text} ({_named(ids)})" for text, ids in by_hypothesis.items()])


def _trials(study: ReportedStudy) -> Iterator[Block]:
    if study.trained:
        ids = [trial.id for trial in study.trained]
        answer = lab_results(study.lab, trial_ids=ids, max_tokens=MOST_TOKENS)
        yield _grid(answer.rows)
        if answer.note:
            yield Prose(answer.note)
        if lines := list(_games(study.trained)):
            yield Items(lines)


def _games(trials: Iterable[Trial]) -> Iterator[str]:
    """Yield which real games trials have read, what several have, once."""
    by_line: dict[str, list[int]] = {}
    for trial in trials:
        if trial.games is not None:
            by_line.setdefault(trial.games.described(), []).append(trial.id)
    return (f"{_named(ids)}: {line}" for line, ids in by_line.items())


def compared(study: ReportedStudy) -> Iterator[Comparison]:
    """Compare what was trained by its merit, and its evaluations by their headlines.

    What cannot be compared is the sentence that says why.
    """
    for trials in by_merit(study.trained).values():
        ids = [trial.id for trial in trials]
        if len(ids) > 1:
            yield lab_compare(study.lab, trial_ids=ids, max_tokens=MOST_TOKENS)
    for metric in dict.fromkeys(_headlines(study)):
        numbers = [e.trial.id for e in study.evaluations]
        try:
            answer = lab_compare(
                study.lab, trial_ids=numbers, metric=metric, max_tokens=MOST_TOKENS
            )
        except InvalidRequestError as error:
            yield f"{metric}: not compared: {error}"
            continue
        if len(answer.groups) > 1:
            yield answer


def verdict(comparison: Comparison) -> str | None:
    """Return the sentence of a comparison; None where it has none, or was not made."""
    if isinstance(comparison, str) or comparison.headline is None:
        return None
    return f"{comparison.metric}: {comparison.headline}"


def _headlines(study: ReportedStudy) -> Iterator[str]:
    """Yield the first figure of each evaluation that several models have."""
    for name in _evaluation_names(study):
        reported = study.reports(name)
        if len(reported) > 1 and reported[0][1].figures:
            yield f"{name}.{reported[0][1].figures[0].name}"


def _compared(comparison: Comparison) -> Iterator[Block]:
    if isinstance(comparison, str):
        yield Prose(comparison)
        return
    if sentence := verdict(comparison):
        yield Prose(sentence)
    yield _grid(comparison.groups)
    if comparison.notes:
        yield Items(comparison.notes)


def _curves(study: ReportedStudy) -> Iterator[Block]:
    """Draw the curves of what was trained, so many to a picture as can be told apart.

    A page draws more metrics, in charts that can be zoomed.
    """
    ids = [trial.id for trial in study.trained]
    for begin in range(0, len(ids), MOST_CURVES):
        part = ids[begin : begin + MOST_CURVES]
        try:
            answer = lab_plot(study.lab, trial_ids=part)
        except InvalidRequestError as error:
            yield Prose(str(error))
            continue
        drawn = _drawn(study.lab, part)
        for picture in answer.pictures():
            name = f"curves-{1 + begin // MOST_CURVES}.png"
            yield Picture(name, picture, f"{answer.metric} by {answer.x}", drawn)


def _drawn(lab: Lab, ids: list[int]) -> dict[str, Any]:
    """Return the curves of trials by their metric of merit, then by the panels of their types."""
    carried = _whole(lab, "metrics", trials=ids)
    panelled = [name for panel in carried["panels"] for name in panel["metrics"]]
    names = list(dict.fromkeys([carried["merit"]["name"], *panelled]))[:MOST_METRICS]
    answer = _whole(lab, "curves", trials=ids, metrics=names, most=MOST_POINTS)
    return answer | {"panels": carried["panels"]}


def _whole(lab: Lab, view: str, **arguments: Any) -> dict[str, Any]:
    """Return a view's answer when all streams that it needs are read; each call reads some."""
    while (answer := answered(lab, view, arguments))["pending"]:
        pass
    return answer


def _evaluation_names(study: ReportedStudy) -> list[str]:
    return list(dict.fromkeys(r.name for e in study.evaluations for r in e.found.reports))


def _evaluations(study: ReportedStudy) -> Iterator[Chapter]:
    """Set the figures of each evaluation side by side, with what they mean."""
    for name in _evaluation_names(study):
        reported = study.reports(name)
        first = reported[0][1]
        meanings = [f"{f.name}: {f.definition}" for f in first.figures if f.definition]
        blocks: list[Block] = [Prose(first.definition), _side_by_side(study, reported)]
        yield Chapter(f"Evaluation: {name}", blocks + ([Items(meanings)] if meanings else []))


def _details(study: ReportedStudy) -> Iterator[Chapter]:
    """Give the tables of each evaluation, model by model."""
    for name in _evaluation_names(study):
        reported = [pair for pair in study.reports(name) if pair[1].tables]
        tables = [Tables(study.column(evaluation), report) for evaluation, report in reported]
        yield Chapter(f"Tables: {name}", tables)


def _side_by_side(study: ReportedStudy, reported: Sequence[tuple[EvaluatedModel, Report]]) -> Grid:
    names = list(dict.fromkeys(f.name for _, report in reported for f in report.figures))
    columns = [study.column(evaluation) for evaluation, _ in reported]
    by_model = [{figure.name: figure for figure in report.figures} for _, report in reported]
    rows = [[name, *(_shown(figures.get(name)) for figures in by_model)] for name in names]
    facts = list(dict.fromkeys(key for _, report in reported for key in report.facts))
    rows += [[key, *(_fact(report.facts.get(key)) for _, report in reported)] for key in facts]
    rows.append(["weights", *(e.found.sha256[:HASH_CHARACTERS] for e, _ in reported)])
    rows.append(["evaluated by trial", *(str(e.trial.id) for e, _ in reported)])
    return Grid(["figure", *columns], rows)


def _shown(figure: Figure | None) -> str | None:
    """Return a figure with its interval and what it was measured on."""
    if figure is None or figure.value is None:
        return None
    interval = ""
    if figure.low is not None and figure.high is not None:
        interval = f" [{figure.low:.4g}, {figure.high:.4g}]"
    return f"{figure.value:.4g}{interval}" + (f" n={figure.n:,}" if figure.n else "")


def _fact(value: Any) -> Any:
    """Return what an evaluation was measured on; a hash cut short."""
    is_hash = isinstance(value, str) and _SHA256.fullmatch(value)
    return value[:HASH_CHARACTERS] if is_hash else _cell(value)


def _cost(study: ReportedStudy) -> Iterator[Block]:
    report = spending.cost(study.lab)
    own = sum(trial.cost for trial in study.trials)
    if report.cost_per_hour is None:
        yield Prose("No price of an hour was set.")
        return
    rate = f"{report.cost_per_hour:.2f} an hour for the whole machine"
    yield Prose(f"These trials: {own:.4f}; all of the lab: {report.total:.4f}; at {rate}.")


def _anomalies(study: ReportedStudy) -> Iterator[Block]:
    """Tell what an audit finds, and each event that is not the ordinary course."""
    numbers = {trial.id for trial in study.trials}
    found = lab_audit(study.lab, trial_ids=sorted(numbers), max_tokens=MOST_TOKENS)
    lines = [f"{_of_trial(row.trial_id)}{row.finding}" for row in found.findings]
    lines += [
        f"{time_of_year(event.time)} {_of_trial(event.trial_id)}{event.kind}: {event.message}"
        for page in queries.event_pages(study.lab)
        for event in page.events
        if event.trial_id in numbers and event.kind not in _ROUTINE
    ]
    yield Items(lines) if lines else Prose("none")


def _of_trial(number: int | None) -> str:
    return "" if number is None else f"trial {number}: "


def _notes(study: ReportedStudy) -> Iterator[Block]:
    """Name the sections of the lab notes that speak of these trials; they are not copied."""
    numbers = {trial.id for trial in study.trials}
    parts = notes.written(study.lab.paths).sections
    titles = [part.title for part in parts if trials_named(part.text) & numbers]
    if titles:
        yield Items(titles)


def _provenance(study: ReportedStudy) -> Iterator[Block]:
    """Say by which code and where each trial ran; what is the same for several, once."""
    by_place: dict[tuple[str, ...], list[int]] = {}
    for trial in study.trials:
        record = read_json_object(study.lab.paths.trial(trial.id).provenance) or {}
        place = tuple(_brief(name, record.get(name)) for name in _SAME)
        by_place.setdefault(place, []).append(trial.id)
    rows = [[_numbers(ids), *place] for place, ids in by_place.items()]
    yield Grid(["trials", *(name.removesuffix("_sha256") for name in _SAME)], rows)


def _brief(name: str, value: Any) -> str:
    text = "" if value is None else str(value)
    return text[:HASH_CHARACTERS] if name in ("commit", "code_sha256") else text


def _commands(study: ReportedStudy) -> Iterator[Block]:
    yield Prose(
        "In this report's folder, in an empty workspace: the trials get the numbers that they have "
        "here where they are all of a lab's; otherwise name the new parents."
    )
    yield Commands([_command(trial) for trial in study.trials])


def _command(trial: Trial) -> str:
    tags = "".join(f" --tags {shlex.quote(tag)}" for tag in trial.tags)
    if trial.parent is None:
        return f"pawn-lab launch --config trial-{trial.id}.json{tags}"
    pause = trial.config.get("pause_after_steps")
    at = f" --pause-after-steps {pause}" if pause else ""
    return f"pawn-lab resume {trial.parent} --checkpoint {trial.from_step}{at}{tags}"


def _grid(rows: Sequence[Any]) -> Grid:
    """Return the table that a tool answers with."""
    table = as_table(rows)
    if not table:
        return Grid([], [])
    cells = [[_cell(value) for value in row] for row in table["rows"]]
    return Grid(table["columns"], cells)


def _cell(value: Any) -> Any:
    match value:
        case list():
            return ", ".join(map(str, value))
        case dict():
            return ", ".join(f"{name}={item}" for name, item in value.items())
        case bool():
            return "yes" if value else "no"
    return value


def _named(ids: list[int]) -> str:
    return f"trial {ids[0]}" if len(ids) == 1 else f"trials {_numbers(ids)}"


def _numbers(ids: Iterable[int]) -> str:
    return ", ".join(map(str, ids))
