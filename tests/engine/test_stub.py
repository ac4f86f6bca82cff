"""The stub says what the compiled module has."""

import ast
import inspect
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


def without_types(arguments: ast.arguments) -> str:
    for argument in [*arguments.args, *arguments.kwonlyargs]:
        argument.annotation = None
    return ast.unparse(arguments)


def public(module: object) -> set[str]:
    return {name for name in dir(module) if not name.startswith("_")}


def test_stub_module_and_package_have_the_same_names():
    assert FUNCTIONS.keys() | CLASSES.keys() | CONSTANTS == public(_native)
    assert set(engine.__all__) == public(_native)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signatures_match_the_stub(name: str):
    signature = str(inspect.signature(getattr(_native, name)))
    stub = ast.parse(f"def f{signature}: ...").body[0]
    assert isinstance(stub, ast.FunctionDef)
    assert ast.unparse(stub.args) == without_types(FUNCTIONS[name].args)


@pytest.mark.parametrize("name", CLASSES)
def test_classes_have_the_fields_of_the_stub(name: str):
    assert public(getattr(_native, name)) == fields(CLASSES[name])


@pytest.mark.parametrize("node", [*FUNCTIONS.values(), *CLASSES.values()], ids=lambda n: n.name)
def test_every_name_has_a_docstring(node: ast.FunctionDef | ast.ClassDef):
    assert ast.get_docstring(node)
