"""The arrows between the parts: who imports whom, function-local imports included, and who a library."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from deploy.local.processes import CHECKOUT

PARTS = {
    "shared": {"shared"},
    "services": {"services", "shared"},
    "deploy": {"deploy", "services", "shared"},
}
"""What each part may import of ours."""
LIBRARIES: dict[str, set[str]] = {
    "aio_pika": {
        "shared.broker.connecting",
        "shared.broker.session",
        "shared.broker.admin",
        "deploy.local.client",
        "deploy.web.asking",
    },
    "aiormq": {
        "shared.broker.connecting",
        "shared.broker.session",
        "shared.broker.admin",
        "deploy.local.client",
        "deploy.demo.session",
        "shared.broker.wire",
    },
    "pamqp": {"shared.broker.wire", "shared.broker.properties"},
    "asyncpg": {"shared.ledger"},
    "aiosmtplib": {"services.notifier.channels"},
    "aiohttp": {"services.notifier.channels"},
    "argon2": {"services.issuer.pin_check", "deploy.local.console_people"},
    "asyncssh": {"services.notifier.shop.sftp_session"},
    "cryptography": {
        "shared.crypto.sealing",
        "services.notifier.mailbox.smime",
        "services.notifier.shop.envelope",
        "deploy.local.authority",
        "deploy.local.pec_provider",
    },
    "nacl": {
        "deploy.demo.citizen",
        "deploy.local.sealed",
        "deploy.pinctl",
        "deploy.web.asking",
        "deploy.web.console.users",
        "deploy.web.portal.control_code",
        "deploy.web.sealing",
        "services.notifier.channels.letter_seal",
        "shared.contract.fields",
        "shared.crypto.keys",
        "shared.crypto.sealing",
        "shared.crypto.signing",
    },
}
"""The modules and packages that may import what speaks with a server, or seals."""


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__")


PATHS = {module_of(path): path for part in PARTS for path in (CHECKOUT / part).rglob("*.py")}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in PATHS else str(node.module) for name in names)


IMPORTS = {module: set(imports(path)) for module, path in PATHS.items()}


def under(package: str) -> set[str]:
    return {module for module in PATHS if f"{module}.".startswith(f"{package}.")}


@pytest.mark.parametrize("part", PARTS)
def test_each_part_imports_only_what_lies_below_it(part: str) -> None:
    beyond = {"shared", "services", "deploy", "tests"} - PARTS[part]
    strays = [(m, name) for m in under(part) for name in IMPORTS[m] if name.partition(".")[0] in beyond]
    assert strays == []


def test_no_service_imports_another() -> None:
    # `services.settings` is no service: it lists the settings of all of them.
    home = {module: module.split(".")[:2] for module in under("services") - {"services.settings"}}
    strays = [(m, name) for m in home for name in IMPORTS[m] & home.keys() if home[name] != home[m]]
    assert strays == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    TopologicalSorter({module: names & PATHS.keys() for module, names in IMPORTS.items()}).prepare()


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_that_speaks_with_a_server_or_seals_is_imported_in_its_places_alone(library: str) -> None:
    users = {m for m, names in IMPORTS.items() if library in {name.partition(".")[0] for name in names}}
    assert users - set().union(*map(under, LIBRARIES[library])) == set()
    assert [place for place in LIBRARIES[library] if not users & under(place)] == []
