"""What evaluations of models have found: read from the results of eval trials."""

from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from pawn_core.evaluation.report import Report
from pawn_lab.documents import read_json_object

_REPORTS = TypeAdapter(list[Report])


class Evaluated(NamedTuple):
    """The reports of one eval trial on one model.

    weights: where they come from, as the config names them. sha256: of the weights' file.
    complete: whether all that the config asks for is there.
    """

    weights: str
    sha256: str
    complete: bool
    reports: list[Report]


def evaluated(results: Path, root: Path) -> Evaluated | None:
    """Return what a trial's results say, below its folder; None where there are none to read."""
    document = read_json_object(results, root)
    if document is None:
        return None
    weights = document.get("weights")
    weights = weights if isinstance(weights, dict) else {}
    try:
        reports = _REPORTS.validate_python(document.get("evaluations"))
    except ValidationError:
        return None
    source, sha256 = str(weights.get("source", "")), str(weights.get("sha256", ""))
    return Evaluated(source, sha256, document.get("complete") is True, reports)
