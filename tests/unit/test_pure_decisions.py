"""A decision does no I/O: no module that a lane's table names reaches any, through whatever it imports."""

import ast
from collections.abc import Callable, Iterator, Mapping

import pytest

from deploy.local.processes import CHECKOUT
from tests.unit.lanes import lanes

IMPURE = frozenset(
    {
        *("asyncio", "socket", "subprocess", "threading", "concurrent", "multiprocessing"),
        *("aio_pika", "aiohttp", "aiormq", "aiosmtplib", "asyncpg", "uvloop"),
        "importlib",  # what it brings in, nobody could tell from here
    }
)
Source = Callable[[str], str | None]
"""From a module's name to its text; None for one that is not ours."""


def named(text: str) -> Iterator[str]:
    """Yield what a module imports, functions that import late included; names within modules come too."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(str(module), names):
                yield from (f"{module}.{alias.name}" for alias in names)


def packages(name: str) -> Iterator[str]:
    """Yield a module's packages and the module itself: all of them run when it is imported."""
    words = name.split(".")
    yield from (".".join(words[:size]) for size in range(1, len(words) + 1))


def ways(start: str, source: Source) -> Mapping[str, tuple[str, ...]]:
    """Return every module that is reached from one, each with the modules on a shortest way to it."""
    found: dict[str, tuple[str, ...]] = {name: (name,) for name in packages(start)}
    waiting = list(found)
    for module in waiting:
        text = source(module)
        for name in named(text) if text is not None else ():
            for part in packages(name):
                if part not in found:
                    found[part] = (*found[module], part)
                    waiting.append(part)
    return found


def impure(start: str, source: Source) -> list[str]:
    """Return the ways from a module to I/O, each as one line."""
    return [" > ".join(way) for name, way in ways(start, source).items() if name in IMPURE]


def ours(name: str) -> str | None:
    """Return the text of a module of this project."""
    path = CHECKOUT.joinpath(*name.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file.read_text(encoding="utf-8")
    return None


DECIDING = sorted({decide.__module__ for lane in lanes() for decide in lane.decisions.values()})


@pytest.mark.parametrize("module", DECIDING)
def test_a_module_that_decides_reaches_no_input_and_no_output(module: str) -> None:
    assert ours(module) is not None
    assert impure(module, ours) == []


def test_effects_are_told_from_decisions() -> None:
    """This test sees what it looks for: each effect of a lane reaches some I/O."""
    effects = {type(lane.effect).__module__ for lane in lanes() if lane.effect}
    assert effects
    assert [module for module in effects if not impure(module, ours)] == []


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("decisions", "import asyncio"),
        ("decisions", "import os, asyncpg.exceptions"),
        ("decisions", "from concurrent.futures import ThreadPoolExecutor"),
        ("decisions", "def decide():\n    from subprocess import run"),
        ("near", "import socket"),
        ("package", "from aiohttp import web"),
        ("package.far", "class Late:\n    def read(self):\n        import asyncio"),
    ],
)
def test_an_import_that_brings_input_or_output_is_found_wherever_it_stands(module: str, text: str) -> None:
    texts = {
        "decisions": "from near import something",
        "near": "from package import far",
        "package": "",
        "package.far": "import json",
    }
    assert impure("decisions", texts.get) == []
    assert len(impure("decisions", {**texts, module: text + "\n" + texts[module]}.get)) == 1
