"""Put what an evaluation found into the repository of the model, and into its card."""

import json
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

from pawn_core.run_paths import WEIGHTS
from pawn_core.uploads.client import hub
from pawn_core.uploads.errors import RefusedError

CARD = "README.md"
RESULTS = "results.json"
BEGIN, END = "<!-- evaluations -->", "<!-- end of evaluations -->"


def publish(results: dict[str, Any], repository: str) -> str:
    """Commit results and a section of the card to `owner/name`; return the commit.

    The rest of the card stays as it is. Weights that the repository has must be those evaluated.

    Raises:
        RefusedError: nobody is logged in, the repository cannot be written, or has other weights.
    """
    api = hub()
    try:
        _check_weights(api, repository, results["weights"]["sha256"])
        card = with_section(_card(api, repository), section(results))
        document = json.dumps(results, indent=1).encode() + b"\n"
        commit = api.create_commit(
            repository,
            [CommitOperationAdd(RESULTS, document), CommitOperationAdd(CARD, card.encode())],
            commit_message="Evaluation results",
        )
    except HfHubHTTPError as error:
        raise RefusedError(f"{repository}: {error}") from None
    return commit.oid


def section(results: dict[str, Any]) -> str:
    """Return the results as Markdown: each evaluation's figures, then its tables."""
    weights = results["weights"]
    step = "" if weights["step"] is None else f", step {weights['step']:,}"
    head = f"## Evaluations\n\nWeights `{weights['sha256'][:16]}`{step}."
    return "\n\n".join([head, *map(_evaluation, results["evaluations"])])


def with_section(card: str, text: str) -> str:
    """Return a card with the section in the place of an earlier one, or at its end."""
    marked = f"{BEGIN}\n{text}\n{END}"
    before, begin, rest = card.partition(BEGIN)
    if not begin:
        return f"{card.rstrip()}\n\n{marked}\n".lstrip()
    return before + marked + rest.partition(END)[2]


def _evaluation(report: dict[str, Any]) -> str:
    facts = ", ".join(f"{n} {v}" for n, v in report["facts"].items() if not isinstance(v, dict))
    rows = [
        (f["name"], _number(f["value"]), _interval(f), f["n"], f["definition"])
        for f in report["figures"]
        if f["value"] is not None
    ]
    figures = _table(("figure", "value", "95 % interval", "n", "definition"), rows)
    return f"### {report['name'].capitalize()}\n\n{report['definition']}\n\n{facts}\n\n{figures}"


def _table(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    cells = ((str(cell).replace("|", "\\|") for cell in line) for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _interval(figure: dict[str, Any]) -> str:
    if figure["low"] is None:
        return ""
    return f"{_number(figure['low'])} to {_number(figure['high'])}"


def _number(value: float) -> str:
    return f"{value:.6g}"


def _card(api: HfApi, repository: str) -> str:
    try:
        return Path(api.hf_hub_download(repository, CARD)).read_text(encoding="utf-8")
    except EntryNotFoundError:
        return ""


def _check_weights(api: HfApi, repository: str, sha256: str) -> None:
    for info in api.get_paths_info(repository, sorted(WEIGHTS)):
        there = getattr(info, "lfs", None)
        if there is not None and there.sha256 != sha256:
            raise RefusedError(
                f"{repository} has other weights than those evaluated: {info.path} is "
                f"{there.sha256[:16]}, not {sha256[:16]}"
            )
