"""Each image holds every module that its programs import, and nothing of the other."""

import re

import pytest

from deploy.local.processes import CHECKOUT
from tests.containers.image import SUITE
from tests.unit.test_arrows import IMPORTS, PATHS

PROGRAMS = {
    "": {
        *(module for module in PATHS if module.startswith("services.") and module.endswith(".__main__")),
        "deploy.broker.load",
        "deploy.broker.render",
        "deploy.pinctl.__main__",
        "deploy.postgres.passwords",
        "deploy.secrets",
    },
    "web": {
        "deploy.web.__main__",
        *(module for module in PATHS if re.fullmatch(r"deploy\.web\.(portal|console)", module)),
    },
}
"""What containers run, by the manifests and `compose.yaml`, of each image by its stage of the Dockerfile."""
IMAGES = sorted(PROGRAMS)
STRANGERS = {
    "": ["deploy/web", "deploy/local", "deploy/demo"],
    "web": ["services", "deploy/pinctl", "deploy/local"],
}
"""What has no place in it."""


def let_in() -> set[str]:
    """Return the files and folders of ours that the images are built from."""
    lines = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").split()
    return {line.removeprefix("!") for line in lines if line.startswith("!")} - {"deploy"}


def copied(image: str) -> set[str]:
    """Return the files and folders of ours that a stage copies."""
    text = (CHECKOUT / "deploy/container/Dockerfile").read_text(encoding="utf-8")
    stages = re.split(r"^FROM (?=\S+)", text, flags=re.MULTILINE)
    (stage,) = (one for one in stages if re.match(rf"\S+ AS {image}\n" if image else r"\S+\n(?=#)", one))
    lines = re.findall(r"^COPY (?!--)(.+)$", stage, flags=re.MULTILINE)
    return {source for line in lines for source in line.split()[:-1]}


def needed(programs: set[str]) -> set[str]:
    """Return the modules that programs load, with the packages that hold them."""
    found: set[str] = set()
    waiting = set(programs)
    while waiting:
        module = waiting.pop()
        found.add(module)
        packages = {module.rsplit(".", n)[0] for n in range(1, module.count(".") + 1)}
        waiting |= ((IMPORTS[module] | packages) & PATHS.keys()) - found
    return found


def lies_in(file: str, places: set[str]) -> bool:
    return any(f"{file}/".startswith(f"{place}/") for place in places)


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_has_every_module_that_its_programs_import(image: str) -> None:
    files = {str(PATHS[module].relative_to(CHECKOUT)) for module in needed(PROGRAMS[image])}
    assert {file for file in files if not lies_in(file, let_in())} == set()
    assert {file for file in files if not lies_in(file, copied(image))} == set()


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_has_nothing_of_the_other(image: str) -> None:
    assert [place for place in STRANGERS[image] if lies_in(place, copied(image))] == []


@pytest.mark.parametrize(
    "file",
    [
        "Makefile",
        "deploy/compose.yaml",
        "deploy/container/Dockerfile",
        "deploy/monitoring/mtail/Dockerfile",
        "docs/operations.md",
    ],
)
def test_what_is_built_and_what_is_said_of_it_start_from_one_debian(file: str) -> None:
    text = (CHECKOUT / file).read_text(encoding="utf-8")
    assert set(re.findall(r"\bdebian:([\w.-]+)", text)) == {f"{SUITE}-slim"}


def test_all_tests_run_on_the_debian_of_the_images() -> None:
    """`make versions`: the images' Python is tested with the images' libraries."""
    assert f"tests/on-debian {SUITE}\n" in (CHECKOUT / "Makefile").read_text(encoding="utf-8")
