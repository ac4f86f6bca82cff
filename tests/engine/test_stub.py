"""The stub says what the compiled module has."""

import ast
import inspect
import operator
from pathlib import Path

import chess_engine as engine
import pytest
from chess_engine import _native

STUB = ast.parse((Path(engine.__file__).parent / "_native.pyi").read_text())
FUNCTIONS = {node.name: node for node in STUB.body if isinstance(node, ast.FunctionDef)}
CLASSES = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}
CONSTANTS = {
    node.target.id
    for node in STUB.body
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
}


def fields(node: ast.ClassDef) -> set[str]:
    """Names a class gives its instances, methods of the language aside."""
    return {
        item.target.id
        for item in node.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }


def methods(node: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    return {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}


METHODS = {
    f"{name}.{method}": function
    for name, node in CLASSES.items()
    for method, function in methods(node).items()
    if not method.startswith("_")
}


def signature(function: object) -> str:
    """As `without_types` writes it."""
    stub = ast.parse(f"def f{inspect.signature(function)}: ...").body[0]  # type: ignore[arg-type]
    assert isinstance(stub, ast.FunctionDef)
    return ast.unparse(stub.args).removeprefix("self, /, ").removeprefix("self, /")


def without_types(arguments: ast.arguments) -> str:
    for argument in [*arguments.args, *arguments.kwonlyargs]:
        argument.annotation = None
    return ast.unparse(arguments).removeprefix("self, ").removeprefix("self")


def public(module: object) -> set[str]:
    return {name for name in dir(module) if not name.startswith("_")}


def test_stub_module_and_package_have_the_same_names():
    assert FUNCTIONS.keys() | CLASSES.keys() | CONSTANTS == public(_native)
    assert set(engine.__all__) == public(_native)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signatures_match_the_stub(name: str):
    assert signature(getattr(_native, name)) == without_types(FUNCTIONS[name].args)


@pytest.mark.parametrize("name", METHODS)
def test_signatures_of_methods_match_the_stub(name: str):
    method = operator.attrgetter(name)(_native)
    assert signature(method) == without_types(METHODS[name].args)


@pytest.mark.parametrize("name", CLASSES)
def test_classes_have_the_fields_and_methods_of_the_stub(name: str):
    node = CLASSES[name]
    named = {method for method in methods(node) if not method.startswith("_")}
    assert public(getattr(_native, name)) == fields(node) | named


@pytest.mark.parametrize("name", [*FUNCTIONS, *CLASSES, *METHODS])
def test_every_name_has_the_docstring_of_the_stub_at_run_time(name: str):
    documented = ast.get_docstring((FUNCTIONS | CLASSES | METHODS)[name])
    assert documented
    assert inspect.getdoc(operator.attrgetter(name)(_native)) == documented
