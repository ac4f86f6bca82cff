"""Numbers, times and amounts as pages show them; run by the Node of the modules' checks."""

import json
import subprocess

import pytest
from node_tools import PROGRAMS

from pawn_lab.page.bundle import STATIC

TIMEOUT_S = 60

pytestmark = pytest.mark.skipif(
    not (PROGRAMS / "node").exists(), reason="no Node to run the modules with: make node-checks"
)

NOTHING = "\u2013"
SHOWN = {
    "number(0.0001)": "0.0001",
    "number(0.00001234)": "1.23e-5",
    "number(3.14159)": "3.142",
    "number(1234567.8)": "1.23e+6",
    "number(12500)": "12,500",
    "number(null)": NOTHING,
    "number('text')": "text",
    "count(12500)": "12.5K",
    "money(0.01776)": "0.0178",
    "money(12.345)": "12.35",
    "money(0)": "0.00",
    "duration(45)": "45 s",
    "duration(3590)": "1 h 0 min",
    "duration(100000)": "1 d 3 h",
    "percent(0.125)": "12.5 %",
    "percent(1)": "100 %",
    "bytes(999)": "999 B",
    "bytes(1.5e9)": "1.5 GB",
    "when(null)": NOTHING,
}


def test_numbers_times_and_amounts_are_short_and_say_their_unit():
    names = sorted({call.partition("(")[0] for call in SHOWN})
    program = (
        f"import {{ {', '.join(names)} }} from {json.dumps((STATIC / 'format.js').as_uri())};"
        f"console.log(JSON.stringify([{', '.join(SHOWN)}]));"
    )
    command = [PROGRAMS / "node", "--no-warnings", "--input-type=module", "--eval", program]
    said = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    assert dict(zip(SHOWN, json.loads(said.stdout), strict=True)) == SHOWN
