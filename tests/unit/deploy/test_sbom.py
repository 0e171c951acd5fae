"""The bill of materials names all that the lock names, and what is unsound is refused."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy import sbom
from deploy.sbom import LOCK, WEB_LOCK, document, faults, main, packages
from tests.unit.deploy.test_install_lock import CHECKOUT, pins

TEXT = LOCK.read_text(encoding="utf-8")
DOCUMENT: dict[str, Any] = document(TEXT)
COMPONENTS: list[dict[str, Any]] = DOCUMENT["components"]


def test_every_package_of_the_lock_is_in_it_with_its_version_hashes_and_licence() -> None:
    locked = {name: version for name, (_, version) in pins("requirements.lock").items()}
    assert {one["name"]: one["version"] for one in COMPONENTS} == locked
    assert all(one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}" for one in COMPONENTS)
    assert all(licence["expression"] for one in COMPONENTS for licence in one["licenses"])
    digests = [
        h["content"] for one in COMPONENTS for file in one["externalReferences"] for h in file["hashes"]
    ]
    assert digests == re.findall(r"--hash=sha256:(\S+)", TEXT)


def asked_by(*lists: str) -> set[str]:
    lines = [line for name in lists for line in (CHECKOUT / name).read_text().splitlines()]
    return {line.split()[0].partition(">")[0] for line in lines if not line.startswith(("#", "-r"))}


@pytest.mark.parametrize(
    ("lock", "lists"),
    [(LOCK, ["requirements.in"]), (WEB_LOCK, ["requirements.in", "requirements-web.in"])],
)
def test_what_asks_for_what_is_what_the_lock_says(lock: Path, lists: list[str]) -> None:
    made = document(lock.read_text(encoding="utf-8"))
    refs = {one["bom-ref"] for one in made["components"]}
    assert len(refs) == len(made["components"])
    ours, *others = made["dependencies"]
    assert {one["ref"] for one in others} == refs
    wanted = {ref for one in made["dependencies"] for ref in one["dependsOn"]}
    assert wanted == refs
    asked = asked_by(*lists)
    assert {ref.removeprefix("pkg:pypi/").partition("@")[0] for ref in ours["dependsOn"]} == asked


def test_the_same_lock_makes_the_same_document_and_another_lock_another(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert main([str(tmp_path / name)]) == 0
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert json.loads((tmp_path / "one").read_text()) == DOCUMENT
    assert main([str(tmp_path / "web"), "--web"]) == 0
    assert json.loads((tmp_path / "web").read_text()) == document(WEB_LOCK.read_text(encoding="utf-8"))
    changed = document(TEXT.replace("tzdata==", "tzdata==1"))
    assert changed["serialNumber"] != DOCUMENT["serialNumber"]


ATTRS = next(package for package in packages(TEXT) if package.name == "attrs")


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        ("attrs==26.1.0\n", "attrs: no hash"),
        (f"attrs==26.1.0 \\\n    --hash=sha256:{'0' * 63}\n", "attrs: no hash"),
        (f"attrs==1.0 \\\n    --hash=sha256:{'0' * 64}\n", "attrs: no licence is known of 1.0"),
        (
            f"no-such-package==1.0 \\\n    --hash=sha256:{'0' * 64}\n",
            "no-such-package: no licence is known of 1.0",
        ),
    ],
)
def test_what_has_no_hash_or_no_licence_is_refused(lock: str, said: str) -> None:
    [package] = packages(lock)
    assert list(faults(package, distributed=True)) == [said]


def test_a_licence_that_nobody_has_looked_at_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sbom.ALLOWED, "MIT")
    assert list(faults(ATTRS, distributed=True)) == [
        "attrs: nobody has looked whether MIT goes with the EUPL"
    ]
    assert list(faults(ATTRS, distributed=False)) == []


@pytest.mark.parametrize("line", ["attrs>=26", "attrs @ https://example.com/attrs.whl", "-e ."])
def test_what_is_not_pinned_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not pinned"):
        list(packages(f"# a comment\n{line}\n"))


def test_the_locks_of_today_are_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("base", ["", "debian:trixie-slim", "debian@sha256:12", f"debian@sha256:{'0' * 65}"])
def test_a_release_on_a_base_without_a_digest_is_refused(base: str) -> None:
    recipe = subprocess.run(
        ["make", "--dry-run", "--assume-old=sbom", "image", f"BASE={base}"],
        cwd=CHECKOUT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    check = recipe[recipe.index("echo") : recipe.index("deploy/container/build")]
    done = subprocess.run(["sh", "-c", check], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "@sha256:" in done.stderr
    right = check.replace(f"'{base}'", f"'debian@sha256:{'0' * 64}'", 1)
    assert subprocess.run(["sh", "-c", right], check=False).returncode == 0
