"""What the bundle is made of, and the documents that it makes."""

import json
import re

import pytest

from pawn_lab.page import LIVE_POLICY, document, script, style
from pawn_lab.page.bundle import STATIC
from pawn_lab.page.vendored import FOLDER, changed, packages

OURS = [file for file in STATIC.rglob("*.js") if FOLDER not in file.parents]
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|dangerouslySet|document\.write|\beval\(|new Function"
)


def test_every_module_is_in_the_script():
    scopes = set(re.findall(r"^// (\S+\.js)$", script(), re.M))
    assert {str(file.relative_to(STATIC)) for file in OURS} == scopes


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.name)
def test_no_module_makes_markup_of_text(file):
    assert MARKUP.findall(file.read_text(encoding="utf-8")) == []


def test_vendored_files_are_those_of_their_packages():
    assert changed() == []
    named = {file["name"] for package in packages() for file in package["files"]}
    assert {file.name for file in FOLDER.iterdir()} == named | {"vendored.json"}


def test_every_vendored_program_has_its_licence_beside_it():
    for package in packages():
        assert f"{package['package']}.LICENSE" in {file["name"] for file in package["files"]}


def test_a_document_with_data_needs_nothing_else_and_no_text_ends_its_data():
    data = {"title": "</script><script>alert(1)</script><!--\u2028"}
    page = document("A & <b>", data)
    assert "<title>A &amp; &lt;b&gt;</title>" in page
    assert "alert(1)</script>" not in page
    assert "src=" not in page.split("<body>")[1].split("<script>")[0]
    inlined = re.search(r'id="pawn-data">(.*?)</script>', page, re.S)
    assert inlined
    assert json.loads(inlined[1]) == data
    assert "script-src &#x27;sha256-" in page


def test_a_number_that_json_has_not_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        document("t", {"loss": float("nan")})


def test_a_live_document_has_no_inline_script_and_no_data():
    page = document("PAWN lab", live=True)
    assert "<script>" not in page
    assert "<style>" not in page
    assert "'unsafe-eval'" not in LIVE_POLICY
    with pytest.raises(ValueError, match="live"):
        document("t", {}, live=True)


def test_the_style_has_no_address_of_another_place():
    assert re.findall(r"url\((?!data:)|@import", style()) == []
