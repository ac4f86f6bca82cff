"""Modules joined into one script."""

from pathlib import Path

import pytest

from pawn_lab.page.modules import BundleError, joined


def write(folder: Path, **modules: str) -> Path:
    for name, text in modules.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return folder / "main.js"


def test_a_module_stands_behind_what_it_imports_and_each_stands_once(tmp_path: Path):
    entry = write(
        tmp_path,
        main='import { b } from "./b.js";\nimport { a } from "./a.js";\nb(a);\n',
        b='import {\n  a,\n} from "./a.js";\nexport function b(x) {}\n',
        a="export const a = 1;\n",
    )
    script = joined(entry, tmp_path)
    assert [line for line in script.splitlines() if line.startswith("// ")] == [
        "// a.js",
        "// b.js",
        "// main.js",
    ]
    assert "export" not in script
    assert "import" not in script


@pytest.mark.parametrize(
    "line",
    ['import x from "./a.js";', 'import "./a.js";', "export default 1;", "export { a };",
     'const a = await import("./a.js");', "export let a = 1;", "const a = '</script>';"],
)  # fmt: skip
def test_a_form_that_is_not_understood_is_refused_with_file_and_line(tmp_path: Path, line: str):
    entry = write(tmp_path, main=f"// one\n\n{line}\n", a="")
    with pytest.raises(BundleError, match=r"main\.js:3: .*allowed: import \{ name \}"):
        joined(entry, tmp_path)


def test_types_named_in_comments_are_no_imports(tmp_path: Path):
    entry = write(tmp_path, main='/** @type {import("./a.js").A} */\nconst a = 1;\n')
    assert "const a = 1" in joined(entry, tmp_path)


def test_documentation_is_for_authors_and_other_text_stays(tmp_path: Path):
    entry = write(tmp_path, main='/**\n * For authors.\n */\nconst a = "/** text */";\n')
    entry.write_text(entry.read_text() + "/** @type {A} */ (a).b();\n/** Of none. */\n")
    script = joined(entry, tmp_path)
    assert "or authors" not in script
    assert "Of none" not in script
    assert "(a).b();" in script
    assert '"/** text */"' in script


def test_a_cycle_is_refused_by_its_files(tmp_path: Path):
    entry = write(
        tmp_path,
        main='import { a } from "./a.js";\n',
        a='import { b } from "./b.js";\nexport const a = 1;\n',
        b='import { a } from "./a.js";\nexport const b = 1;\n',
    )
    with pytest.raises(BundleError, match=r"a cycle: a\.js -> b\.js -> a\.js"):
        joined(entry, tmp_path)


def test_a_name_that_is_not_exported_is_refused(tmp_path: Path):
    entry = write(tmp_path, main='import { a, c } from "./a.js";\n', a="export const a = 1;\n")
    with pytest.raises(BundleError, match=r"main\.js: a\.js does not export c"):
        joined(entry, tmp_path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    entry = write(tmp_path, main='\nimport { a } from "./no.js";\n')
    with pytest.raises(BundleError, match=r"main\.js:2: no file \./no\.js"):
        joined(entry, tmp_path)
