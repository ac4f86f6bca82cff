"""lab_report: a study as documents for people, made of what the other tools answer."""

import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from pawn_core.durable import replace_file
from pawn_lab import page
from pawn_lab.documents import own_folder
from pawn_lab.lab import Lab
from pawn_lab.records import Trial
from pawn_lab.reporting.document import Document
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.report_sections import compared, sections, verdict
from pawn_lab.tools.report_study import ReportedStudy
from pawn_lab.tools.values import Answer, Tag, TrialId

MOST_NAME_CHARACTERS = 60


class ReportAnswer(Answer):
    """Where in the workspace the report is: Markdown, and one HTML file; and its verdicts."""

    files: ClassVar = ("markdown", "html")

    markdown: str
    html: str
    trials: int
    evaluations: int
    verdicts: list[str] | None = None


def lab_report(
    lab: Lab,
    trial_ids: Annotated[list[TrialId] | None, Field(description="Only these.")] = None,
    tag: Tag = None,
    question: Annotated[str | None, Field(description="What was to be known.")] = None,
    baseline: Annotated[TrialId | None, Field(description="Its evaluations stand beside.")] = None,
) -> ReportAnswer:
    """Write the report that ends a study: Markdown, and one HTML file.

    Do it last.

    The hypotheses stand first, then verdicts, curves, evaluations, cost, anomalies, and how to
    repeat it. Evaluations of these trials are found whether they have the tag or not. A report of
    the same trials is written anew in its place, reports/NAME, with the configs that repeat it.
    """
    study = ReportedStudy.of(lab, trial_ids, tag, question, baseline)
    comparisons = list(compared(study))
    document = Document(study.title, sections(study, comparisons))
    folder = lab.paths.report(_name(study, tag))
    _write(folder, document, study.trials)
    root = lab.paths.root
    return ReportAnswer(
        markdown=str((folder / "report.md").relative_to(root)),
        html=str((folder / "report.html").relative_to(root)),
        trials=len(study.trained),
        evaluations=len(study.evaluations),
        verdicts=list(filter(None, map(verdict, comparisons))) or None,
    )


def _name(study: ReportedStudy, tag: str | None) -> str:
    """Return the folder's name: that of the tag or of the trials, and what tells it from others."""
    numbers = "-".join(str(trial.id) for trial in study.chosen)
    said = tag if tag is not None else f"trials-{numbers}"
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", said).strip("-")[:MOST_NAME_CHARACTERS] or "study"
    return plain if plain == said else f"{plain}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


def _write(folder: Path, document: Document, trials: list[Trial]) -> None:
    """Write the files of a report; the two documents last, so that they name nothing missing."""
    own_folder(folder.parent)
    own_folder(folder)
    for picture in document.pictures():
        replace_file(folder / picture.name, picture.png)
    for trial in trials:
        config = json.dumps(dict(trial.config), indent=1).encode() + b"\n"
        replace_file(folder / f"trial-{trial.id}.json", config)
    replace_file(folder / "report.md", document.markdown().encode())
    replace_file(folder / "report.html", page.document(document.title, document.data()).encode())


TOOL = LabTool(lab_report, title="Report of a study", idempotent=True)
