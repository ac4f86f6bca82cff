"""What a comparison comes to in one sentence: whether there is a winner, and what would tell."""

from pawn_lab.analysis.compare import Verdict
from pawn_lab.tools.compare_rows import ONE_SEED, GroupRow


def headline(rows: list[GroupRow], *, doubtful: bool) -> str | None:
    """Return the sentence about the reference and the best of the others; None without two.

    doubtful: something beside the settings differs, of which the notes warn.
    """
    told = _between(rows)
    return f"{told} More than the settings differs: see notes." if told and doubtful else told


def _between(rows: list[GroupRow]) -> str | None:
    measured = [row for row in rows if row.mean is not None]
    if len(measured) < 2 or not measured[0].reference:
        return None
    first, second = measured[:2]
    match second.verdict:
        case Verdict.WORSE:
            beaten = f"{second.setting}, the next best{_all(rows)}"
            return f"Clear: {first.setting} is better than {beaten}."
        case Verdict.BETTER:
            return f"Clear: {second.setting} is better than the reference, {first.setting}."
        case Verdict.INDISTINGUISHABLE:
            return f"No clear winner: {_pair(first, second)} are within the noise; {_more(second)}."
        case _:
            return f"No clear winner: {_pair(first, second)} cannot be compared: {_why(second)}."


def _pair(first: GroupRow, second: GroupRow) -> str:
    return f"{first.setting} and {second.setting}, the two best,"


def _all(rows: list[GroupRow]) -> str:
    return ", and than all others" if all(r.verdict == Verdict.WORSE for r in rows[1:]) else ""


def _more(row: GroupRow) -> str:
    if row.needs_seeds is None:
        return "no number of seeds is likely to tell"
    return f"{row.needs_seeds} more seeds of each would tell: lab_launch(config, seeds=...)"


def _why(row: GroupRow) -> str:
    if row.why == ONE_SEED:
        return "one seed each; lab_launch(config, seeds=3) of both adds two"
    return row.why or "no common value"
