"""One hierarchy of errors, each home with its tree, and each error with what its reader should do."""

import ast
import importlib
import re
from inspect import getdoc, getmembers, isclass

import pytest

from deploy.local.processes import CHECKOUT
from shared.errors import PinError

HOMES = ("shared.errors", "deploy.errors", "deploy.web.errors")


def test_no_error_is_defined_anywhere_else() -> None:
    """But for private ones, which end a loop of their own file."""
    homes = {CHECKOUT / (home.replace(".", "/") + ".py") for home in HOMES}
    strays = [
        f"{path.relative_to(CHECKOUT)}: {node.name}"
        for part in ("shared", "services", "deploy")
        for path in sorted((CHECKOUT / part).rglob("*.py"))
        if path not in homes
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        if any(re.search(r"(Error|Exception)$", ast.unparse(base)) for base in node.bases)
    ]
    assert strays == []


@pytest.mark.parametrize("home", HOMES)
def test_every_error_is_one_of_ours_and_says_what_to_do(home: str) -> None:
    module = importlib.import_module(home)
    tree = getdoc(module) or ""
    own = [kind for _, kind in getmembers(module, isclass) if kind.__module__ == home]
    errors = [kind for kind in own if issubclass(kind, BaseException)]
    assert errors
    for error in errors:
        assert issubclass(error, PinError), error.__name__
        assert error.__doc__, error.__name__
        assert re.search(rf"\b{error.__name__}\b", tree), f"{error.__name__} in the tree"
