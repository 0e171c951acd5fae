"""The image holds every module that its programs import: `.dockerignore` lets it in."""

from deploy.local.processes import CHECKOUT
from tests.unit.test_arrows import IMPORTS, PATHS

PROGRAMS = {
    *(module for module in PATHS if module.startswith("services.") and module.endswith(".__main__")),
    "deploy.broker.load",
    "deploy.broker.render",
    "deploy.pinctl.__main__",
    "deploy.postgres.passwords",
    "deploy.secrets",
}
"""What containers run, by the manifests and `compose.yaml`."""


def let_in() -> set[str]:
    """Return the files and folders of ours that the image is built from."""
    lines = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").split()
    return {line.removeprefix("!") for line in lines if line.startswith("!")} - {"deploy"}


def needed() -> set[str]:
    """Return the modules that the programs load, with the packages that hold them."""
    found: set[str] = set()
    waiting = set(PROGRAMS)
    while waiting:
        module = waiting.pop()
        found.add(module)
        packages = {module.rsplit(".", n)[0] for n in range(1, module.count(".") + 1)}
        waiting |= ((IMPORTS[module] | packages) & PATHS.keys()) - found
    return found


def test_the_image_has_every_module_that_its_programs_import() -> None:
    files = {str(PATHS[module].relative_to(CHECKOUT)) for module in needed()}
    missing = {file for file in files if not any(f"{file}/".startswith(f"{place}/") for place in let_in())}
    assert missing == set()
