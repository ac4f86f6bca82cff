"""Which trials a caller means: by number, by tag, by both, or all. It is never none in silence."""

from collections.abc import Iterable

from pawn_core.config.errors import did_you_mean
from pawn_lab.errors import InvalidRequestError
from pawn_lab.store import Transaction, trials
from pawn_lab.store.rows import TrialRow

MOST_TAGS_NAMED = 20


def selected(
    tx: Transaction, trial_ids: Iterable[int] | None = None, tag: str | None = None
) -> list[TrialRow]:
    """Return the trials of these numbers, of this tag, or of both; all where neither is given.

    Raises:
        UnknownTrialError: no such trial.
        InvalidRequestError: none is left: no number, a tag of no trial, or of none of these.
    """
    rows = trials.select(tx) if trial_ids is None else _numbered(tx, trial_ids)
    if tag is None:
        return rows
    check_tag(tx, tag)
    tagged = [row for row in rows if tag in row.tags]
    if not tagged:
        numbers = ", ".join(str(row.id) for row in rows)
        raise InvalidRequestError(f"tag {tag!r} is on none of the trials {numbers}")
    return tagged


def check_tag(tx: Transaction, tag: str) -> None:
    """Refuse a tag that no trial has.

    Raises:
        InvalidRequestError: names the tags there are.
    """
    # Newest first: they are the ones that are likely to be meant.
    tags = list(dict.fromkeys(name for name, _ in reversed(trials.by_tag(tx))))
    if tag in tags:
        return
    further = [f"and {len(tags) - MOST_TAGS_NAMED} more"] if len(tags) > MOST_TAGS_NAMED else []
    listed = ", ".join([*map(repr, tags[:MOST_TAGS_NAMED]), *further])
    raise InvalidRequestError(
        f"no trial has the tag {tag[:100]!r}{did_you_mean(tag[:100], tags)}; "
        f"tags: {listed or 'none yet'}; without tag: all trials"
    )


def _numbered(tx: Transaction, trial_ids: Iterable[int]) -> list[TrialRow]:
    """Return trials by their numbers, each once."""
    rows = [trials.get(tx, trial_id) for trial_id in dict.fromkeys(trial_ids)]
    if not rows:
        raise InvalidRequestError("trial_ids [] names no trial; without trial_ids: all trials")
    return rows
