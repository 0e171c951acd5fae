"""Version, changelog, catalogue, manifests and the table of releases are in step."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.processes import CHECKOUT, environment
from deploy.pinctl.commands import parser
from deploy.pinctl.release import described
from shared import version
from shared.crypto.keys import make_keys
from tests.upgrade.releases import Release, releases

PUBLICCODE: dict[str, Any] = yaml.safe_load((CHECKOUT / "publiccode.yml").read_text(encoding="utf-8"))
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
CUT = [
    tuple(heading.split(" - "))
    for heading in HEADING.findall((CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8"))
    if heading != "Unreleased"
]
"""Version and date of each release in the changelog, the newest first."""
NEWEST, DATE = CUT[0]


def tags_of_the_images() -> Iterator[tuple[str, str]]:
    for path in (CHECKOUT / "deploy").glob("kubernetes*/**/kustomization.yaml"):
        for image in yaml.safe_load(path.read_text(encoding="utf-8")).get("images", ()):
            if image["name"].startswith("pin-online"):
                yield str(path.relative_to(CHECKOUT)), image["newTag"]


def git(*words: str) -> str:
    argv = ["git", "-c", "safe.directory=*", *words]
    done = subprocess.run(argv, cwd=CHECKOUT, check=False, capture_output=True, text=True)
    return done.stdout.strip()


def test_every_file_names_the_release_of_the_changelog() -> None:
    named = {
        "shared/version.py": version.VERSION,
        "publiccode.yml": PUBLICCODE["softwareVersion"],
        **dict(tags_of_the_images()),
    }
    assert len(named) >= 6
    assert {path: found for path, found in named.items() if found != NEWEST} == {}
    assert str(PUBLICCODE["releaseDate"]) == DATE


def test_the_version_is_written_by_hand_in_one_place() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dynamic"] == ["version"]
    assert "version" not in project


def test_every_release_but_the_newest_has_its_commit_on_the_page() -> None:
    recorded = [(one.version, one.date) for one in releases()]
    assert recorded in (CUT, CUT[1:])


@pytest.mark.parametrize("release", releases(), ids=lambda release: release.version)
def test_a_release_is_a_commit_of_this_history(release: Release) -> None:
    if not git("cat-file", "-t", release.commit):
        pytest.skip("git does not have the history here")
    assert git("merge-base", release.commit, "HEAD") == release.commit
    assert git("rev-parse", "--verify", "--quiet", f"v{release.version}^{{commit}}") in ("", release.commit)


def test_an_image_knows_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert version.revision() == ""
    (tmp_path / "revision").write_text("0123abc\n")
    monkeypatch.setattr(version, "_REVISION", tmp_path / "revision")
    assert version.revision() == "0123abc"
    assert described() == f"pinctl {version.VERSION} (0123abc)"


def test_pinctl_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["--version"])
    assert ended.value.code == 0
    said = capsys.readouterr().out.strip()
    assert said == described()
    assert said.startswith(f"pinctl {NEWEST}")


def test_the_first_line_of_a_workers_log_says_which_release_it_is(tmp_path: Path) -> None:
    make_keys(tmp_path)
    settings = {
        "PIN_AMQP_URL": "amqp://nobody:nothing@127.0.0.1:1/",
        "PIN_LEDGER_DSN": "postgresql://nobody:nothing@127.0.0.1:1/none",
        "PIN_PORTAL_URL": "https://pin.example.it",
        "PIN_INITIAL_VALIDITY": "P60D",
        "PIN_LINK_VALIDITY": "PT24H",
        "PIN_DISPOSITIVO_DELAY": "PT24H",
        "PIN_HEALTH_PORT": "0",
        "PIN_KEYS_DIR": str(tmp_path),
    }
    argv = [sys.executable, "-m", "services.issuer", "requests"]
    with subprocess.Popen(argv, cwd=CHECKOUT, env=environment(settings), stdout=subprocess.PIPE) as worker:
        assert worker.stdout
        line = json.loads(worker.stdout.readline())
        worker.kill()
    assert (line["event"], line["version"], line["revision"]) == ("worker.starting", version.VERSION, "")
