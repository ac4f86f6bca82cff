"""ES modules joined into one classic script, without a build step or a program of others.

Each module becomes the body of a function, in the order of imports. Only what the joining
understands may be written: `import { a, b } from "./x.js"` and `export function/class/const`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_IMPORT = re.compile(r'^import \{([^{}]*)\} from "(\.{1,2}/[\w./-]+\.js)";?[ \t]*$', re.M)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) ([\w$]+))", re.M)
_REFUSED = re.compile(r"^(?:import|export)\b.*$|\bimport\s*[(.].*$|^.*</script.*$", re.M | re.I)
_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_DOCUMENTATION = re.compile(r"^[ \t]*/\*\*(?:(?!\*/).)*\*/[ \t]*\n", re.S | re.M)
_NAME = re.compile(r"[\w$]+")


class BundleError(Exception):
    """A module that cannot be joined; says which file and line."""


@dataclass(frozen=True)
class Module:
    """One file: what it imports by file, what it exports, and its body without either."""

    path: Path
    imports: dict[Path, list[str]]
    exports: list[str]
    body: str


def joined(entry: Path, root: Path) -> str:
    """Return the script of a module and all that it imports, each within `root`.

    Raises:
        BundleError: an import of no file, or of a name that the file does not export; a cycle; a
            form of import or export that is not understood.
    """
    modules = list(_in_order(entry.resolve(), root.resolve(), (), {}))
    places = {module.path: f"module{i}" for i, module in enumerate(modules)}
    return "".join(_scope(module, places, root.resolve()) for module in modules)


def _in_order(
    path: Path, root: Path, importers: tuple[Path, ...], done: dict[Path, Module]
) -> Iterator[Module]:
    """Yield the modules that one imports, then itself, each once."""
    if path in importers:
        cycle = [*importers[importers.index(path) :], path]
        raise BundleError(f"a cycle: {' -> '.join(str(p.relative_to(root)) for p in cycle)}")
    if path in done:
        return
    module = _read(path, root)
    for imported, names in module.imports.items():
        yield from _in_order(imported, root, (*importers, path), done)
        missing = [name for name in names if name not in done[imported].exports]
        if missing:
            where = f"{path.relative_to(root)}: {imported.relative_to(root)}"
            raise BundleError(f"{where} does not export {', '.join(missing)}")
    done[path] = module
    yield module


def _read(path: Path, root: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    imports: dict[Path, list[str]] = {}
    for match in _IMPORT.finditer(text):
        imported = (path.parent / match[2]).resolve()
        if not imported.is_file() or root not in imported.parents:
            raise BundleError(f"{_place(path, root, text, match.start())}: no file {match[2]}")
        imports.setdefault(imported, []).extend(_NAME.findall(match[1]))
    exports = [match[1] for match in _EXPORT.finditer(text)]
    # Lines are kept, so that an error names the line of the file.
    body = _EXPORT.sub("", _IMPORT.sub(lambda match: "\n" * match[0].count("\n"), text))
    code = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), body)
    if refused := _REFUSED.search(code):
        raise BundleError(
            f"{_place(path, root, code, refused.start())}: {refused[0].strip()[:80]!r}; allowed: "
            'import { name } from "./file.js", export function, export class, export const'
        )
    return Module(path, imports, exports, body)


def _place(path: Path, root: Path, text: str, offset: int) -> str:
    return f"{path.relative_to(root)}:{1 + text.count(chr(10), 0, offset)}"


def _scope(module: Module, places: dict[Path, str], root: Path) -> str:
    """Return a module as a function that is called once; it returns what the module exports."""
    imports = "".join(
        f"const {{ {', '.join(names)} }} = {places[path]};\n"
        for path, names in module.imports.items()
    )
    body = _DOCUMENTATION.sub("", module.body)  # a fifth of the script, for authors only
    return (
        f"// {module.path.relative_to(root)}\n"
        f'const {places[module.path]} = (() => {{\n"use strict";\n{imports}{body}\n'
        f"return {{ {', '.join(module.exports)} }};\n}})();\n"
    )
