"""What every view has in common: how arguments are read and refused, and that answers are JSON."""

import importlib
import json
import math
import pkgutil
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
from pydantic import Field

from pawn_lab import views
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab
from pawn_lab.views import VIEWS, View, answered


def echo(
    lab: Lab,
    trials: list[int] | None = None,
    names: list[str] | None = None,
    tag: str | None = None,
    most: Annotated[int, Field(ge=2)] = 10,
    flag: bool = False,
) -> dict[str, Any]:
    """Return what was asked."""
    return {"trials": trials, "names": names, "tag": tag, "most": most, "flag": flag}


ECHO = View(echo, title="Echo")


@pytest.fixture
def lab(tmp_path: Path):
    with Lab.open(tmp_path / "runs") as lab:
        yield lab


def test_the_tuple_holds_every_view_file():
    modules = [
        importlib.import_module(f"pawn_lab.views.{m.name}")
        for m in pkgutil.iter_modules(views.__path__)
    ]
    declared = {v.name for m in modules for v in vars(m).values() if isinstance(v, View)}
    assert declared == {view.name for view in VIEWS}


def test_arguments_may_come_as_the_text_of_an_address(lab):
    asked = {"trials": "1,2,5", "names": "lr,top1", "tag": "12", "most": "3", "flag": "true"}
    assert ECHO(lab, asked) == {
        "trials": [1, 2, 5],
        "names": ["lr", "top1"],
        "tag": "12",
        "most": 3,
        "flag": True,
    }
    assert ECHO(lab, {"trials": "7", "names": "lr"})["trials"] == [7]
    assert ECHO(lab, {"trials": "[1, 2]", "tag": None})["trials"] == [1, 2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trial": 1}, "echo has no argument 'trial'; did you mean 'trials'?"),
        ({"trials": "1,b"}, "trials.1 'b' is not allowed"),
        ({"most": 1}, "most 1 is not allowed: Input should be greater than or equal to 2"),
    ],
)
def test_bad_arguments_are_refused_by_name(lab, arguments, message):
    with pytest.raises(InvalidRequestError) as refusal:
        ECHO(lab, arguments)
    assert message in str(refusal.value)


def test_an_unknown_view_is_refused_with_those_there_are(lab):
    with pytest.raises(InvalidRequestError, match="view 'nonsense' is unknown"):
        answered(lab, "nonsense", {})


def test_answers_are_strict_json_with_secrets_masked(lab):
    def shown(lab: Lab) -> dict[str, Any]:
        x = np.array([1.0, 2.0])
        y = np.array([math.nan, 0.123456789])
        return {"x": x, "y": y, "z": math.inf, "tag": "hf_abcdefghij", "n": (1, None)}

    answer = View(shown, title="Shown")(lab, {})
    assert json.loads(json.dumps(answer, allow_nan=False)) == {
        "x": [1, 2],
        "y": [None, 0.123457],
        "z": None,
        "tag": "[masked]",
        "n": [1, None],
    }
