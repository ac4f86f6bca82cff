"""What an evaluation has found goes into the model's repository and its card."""

import hashlib
import json
from pathlib import Path

import pytest
from fake_hub import FakeHub

from pawn_core.uploads.errors import RefusedError
from pawn_core.uploads.evaluations import publish, section, with_section

WEIGHTS = b"weights" * 1000
RESULTS = {
    "weights": {"sha256": hashlib.sha256(WEIGHTS).hexdigest(), "step": 5000},
    "evaluations": [
        {
            "name": "legality",
            "definition": "Next tokens.",
            "facts": {"games": 64, "games_seed": 7},
            "figures": [
                {
                    "name": "legal_rate",
                    "value": 0.75,
                    "low": 0.5,
                    "high": 0.875,
                    "n": 12,
                    "definition": "share | of moves",
                },
                {"name": "kl", "value": None, "low": None, "high": None, "n": 0, "definition": ""},
            ],
        }
    ],
}


@pytest.fixture
def model(hub: FakeHub, tmp_path: Path) -> FakeHub:
    """Publish a model with a card."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n\n# Mine\n")
    hub.publish("owner/name", folder)
    return hub


def files(hub: FakeHub) -> dict[str, bytes]:
    return hub.repositories["owner/name"]["main"][-1].files


def test_one_commit_has_the_results_and_a_section_of_the_card(model) -> None:
    publish(RESULTS, "owner/name")
    (commit,) = model.branch("owner/name@main")
    assert commit.title == "Evaluation results"
    assert json.loads(files(model)["results.json"]) == RESULTS
    card = files(model)["README.md"].decode()
    assert card.startswith("---\nlicense: mit\n---\n\n# Mine\n")
    assert "| legal_rate | 0.75 | 0.5 to 0.875 | 12 | share \\| of moves |" in card
    assert files(model)["model.safetensors"] == WEIGHTS


def test_later_results_take_the_place_of_earlier_ones(model) -> None:
    publish(RESULTS, "owner/name")
    later = RESULTS | {"evaluations": []}
    publish(later, "owner/name")
    card = files(model)["README.md"].decode()
    assert card.count("## Evaluations") == 1
    assert "legal_rate" not in card


def test_other_weights_than_those_evaluated_get_no_results(model) -> None:
    other = RESULTS | {"weights": {"sha256": "0" * 64, "step": None}}
    with pytest.raises(RefusedError, match="other weights than those evaluated"):
        publish(other, "owner/name")
    assert "results.json" not in files(model)


def test_a_repository_that_is_not_there_is_named(hub) -> None:
    with pytest.raises(RefusedError, match="owner/nobody"):
        publish(RESULTS, "owner/nobody")


def test_a_section_goes_where_it_was_and_the_rest_stays() -> None:
    text = section(RESULTS)
    card = with_section("# Mine\n\nText.\n", text)
    after = f"{card}\nMore.\n"
    assert with_section(after, "new") == "# Mine\n\nText.\n\n" + (
        "<!-- evaluations -->\nnew\n<!-- end of evaluations -->\n\nMore.\n"
    )
    assert with_section("", text).startswith("<!-- evaluations -->")
