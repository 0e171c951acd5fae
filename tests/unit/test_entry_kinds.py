"""The table `entry_kind` allows each role the entries that its code writes, and no others."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.processes import CHECKOUT
from shared.contract.delivery_events import DELIVERY_EVENTS
from shared.contract.events import EVENTS
from shared.worker.unit_of_work import CHANGED

WRITERS = ("issuer", "revoker", "dispositivo", "notifier")
_KIND_AT = {"LedgerEntry": 0, "by_operator": 1}
"""The place of the kind among the arguments of what makes an entry, or has one made."""

EARLIER = {"pin.attempt_counted"}
"""Kinds that the last release writes, whose workers run beside those of this one for a while."""


def allowed() -> dict[str, set[str]]:
    """Return the kinds of each writer, as the migrations leave them."""
    kinds: dict[str, set[str]] = {}
    for path in sorted((CHECKOUT / "shared/ledger/migrations").glob("*.sql")):
        up = path.read_text(encoding="utf-8").partition("-- migrate:down")[0]
        for values in re.findall(r"insert into entry_kind[^;]*values([^;]*);", up):
            for writer, kind in re.findall(r"\('(\w+)', '([\w.]+)'\)", values):
                kinds.setdefault(writer, set()).add(kind)
    return kinds


ALLOWED = allowed()


def modules(writer: str) -> Iterator[Path]:
    """Yield the modules of a service, and those of the domain that they import."""
    own = sorted((CHECKOUT / "services" / writer).glob("*.py"))
    yield from own
    text = "\n".join(path.read_text(encoding="utf-8") for path in own)
    for name in sorted(set(re.findall(r"from shared\.domain\.(\w+) import", text))):
        yield CHECKOUT / f"shared/domain/{name}.py"


def written(path: Path) -> Iterator[str]:
    """Yield a pattern for each kind that a module writes."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        at = _KIND_AT.get(name)
        if at is not None and len(node.args) > at:
            yield from _patterns(node.args[at], tree)


def _patterns(kind: ast.expr, tree: ast.Module) -> Iterator[str]:
    match kind:
        case ast.Constant(value=str(text)):
            yield re.escape(text)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _patterns(body, tree)
            yield from _patterns(orelse, tree)
        case ast.JoinedStr(values=parts):
            yield "".join(re.escape(str(p.value)) if isinstance(p, ast.Constant) else r"\w+" for p in parts)
        case ast.Attribute(attr="type"):
            # That of an event: of one of those that the module knows.
            names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            told = [event for event in EVENTS.values() if event.__name__ in names]
            told += DELIVERY_EVENTS.values() if "DELIVERY_EVENTS" in names else ()
            yield from (re.escape(event.type) for event in told)
        case ast.Name(id="kind"):
            pass  # passed on: the caller names it
        case _:
            raise AssertionError(f"no kind that a test can read: {ast.unparse(kind)}")


def patterns(writer: str) -> set[str]:
    own = {pattern for path in modules(writer) for pattern in written(path)}
    return own | ({re.escape(CHANGED)} if writer != "notifier" else set())


@pytest.mark.parametrize("writer", WRITERS)
def test_a_role_may_write_what_its_code_writes(writer: str) -> None:
    unwritable = {
        pattern
        for pattern in patterns(writer)
        if not any(re.fullmatch(pattern, kind) for kind in ALLOWED[writer])
    }
    assert unwritable == set(), "a new kind of entry needs a row in entry_kind, by a migration"


@pytest.mark.parametrize("writer", WRITERS)
def test_a_role_may_write_nothing_else(writer: str) -> None:
    wanted = patterns(writer)
    assert {
        kind for kind in ALLOWED[writer] - EARLIER if not any(re.fullmatch(p, kind) for p in wanted)
    } == set()


def test_no_other_role_writes_entries_but_what_operators_of_the_system_do() -> None:
    assert ALLOWED.keys() - set(WRITERS) == {"pinctl"}
    assert ALLOWED["pinctl"] == {"dead.replayed", "dead.dropped", "month.retired"}
