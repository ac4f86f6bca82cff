"""Colours of curves, states and text: told apart on both grounds, by colour-blind people too."""

import itertools
import re

import numpy as np
import pytest

from pawn_lab.page import style

LEAST_FOR_SHAPES, LEAST_FOR_TEXT = 3.0, 4.5
"""Contrast by WCAG 2.2, 1.4.11 and 1.4.3."""
LEAST_DIFFERENCE = 20.0
"""CIE76; about 2.3 can just be noticed."""
SIGHT = {
    "usual": np.eye(3),
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
"""What of linear RGB is seen: Machado, Oliveira and Fernandes 2009, at full severity."""
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
TEXTS = ("text", "muted", "accent", "good", "bad", "warn")


def themes() -> dict[str, dict[str, str]]:
    """Return the colours of the light and the dark page by name."""
    blocks = re.findall(r"\{([^{}]*--ground:[^{}]*)\}", style())
    light, by_system, dark = (dict(re.findall(r"--([\w-]+): (#\w{6});", each)) for each in blocks)
    assert by_system == dark
    return {"light": light, "dark": dark}


def linear(colour: str) -> np.ndarray:
    srgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    low, high = sorted(float(XYZ[1] @ linear(colour)) for colour in (a, b))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    """Return linear RGB as CIE L*a*b*."""
    xyz = XYZ @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHT)
def test_curves_are_told_apart(theme: str, sight: str):
    curves = [colour for name, colour in themes()[theme].items() if name.startswith("curve-")]
    seen = [lab(np.array(SIGHT[sight]) @ linear(colour)) for colour in curves]
    assert len(seen) == 8
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > LEAST_DIFFERENCE


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_curves_and_words_stand_out_from_the_ground(theme: str):
    colours = themes()[theme]
    for name, colour in colours.items():
        if name.startswith("curve-"):
            assert contrast(colour, colours["ground"]) > LEAST_FOR_SHAPES, name
        if name in TEXTS:
            assert contrast(colour, colours["ground"]) > LEAST_FOR_TEXT, name
            assert contrast(colour, colours["raised"]) > LEAST_FOR_TEXT, name
    assert contrast(colours["on-accent"], colours["accent"]) > LEAST_FOR_TEXT
