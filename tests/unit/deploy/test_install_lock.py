"""What is installed is what the lock names, whatever an index offers on the day."""

import hashlib
import re
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).parents[3]
NEWER = "99999"
LOCKS = ("requirements.lock", "requirements-web.lock", "requirements-dev.lock", "requirements-bench.lock")
_PIN = re.compile(r"^([a-zA-Z0-9._-]+)((?:\[[^\]]*\])?)==(\S+)", re.MULTILINE)


def pins(lock: str) -> dict[str, tuple[str, str]]:
    """Return extras and version of everything that a lock names."""
    text = (CHECKOUT / lock).read_text()
    return {canonicalize_name(name): (extras, version) for name, extras, version in _PIN.findall(text)}


def wheel(folder: Path, name: str, version: str) -> str:
    """Write a wheel that has nothing but the metadata of the installed package; returns its SHA-256."""
    stem = f"{name.replace('-', '_')}-{version}"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *asked_by(name)]
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        inside = f"{stem}.dist-info"
        archive.writestr(f"{inside}/METADATA", "\n".join(lines) + "\n")
        archive.writestr(f"{inside}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{inside}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def asked_by(name: str) -> list[str]:
    """Return what an installed package asks for, and the extras it offers; nothing for one not installed."""
    try:
        said = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return []
    kinds = ("Requires-Dist", "Provides-Extra")
    return [f"{kind}: {line}" for kind in kinds for line in said.get_all(kind) or ()]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with every locked package as it is locked, and each in a newer release too."""
    return tmp_path_factory.mktemp("index")


def locked_here(lock: str, index: Path) -> Path:
    """Write the lock anew, with the hashes of the packages of this index; versions and extras stay."""
    lines = []
    for name, (extras, version) in pins(lock).items():
        wheel(index, name, NEWER)
        lines.append(f"{name}{extras}=={version} --hash=sha256:{wheel(index, name, version)}\n")
    path = index / lock
    path.write_text("".join(lines))
    return path


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-web.lock", "requirements-dev.lock"])
def test_newer_releases_of_everything_change_nothing(lock: str, index: Path, tmp_path: Path) -> None:
    """An index that offers a newer release of every locked package installs the locked ones."""
    # By the pip that comes with Python, as on a fresh machine: later ones are more forgiving.
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "pip"], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    pip, python = tmp_path / "pip/bin/python", tmp_path / "venv/bin/python"
    environment = {
        "PATH": "/usr/bin:/bin",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index),
        "PIP_CONFIG_FILE": "/dev/null",
    }
    done = subprocess.run(
        [CHECKOUT / "deploy/install-lock", locked_here(lock, index), python, pip],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    asked = "import importlib.metadata as m; [print(d.name, d.version) for d in m.distributions()]"
    said = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True).stdout
    installed = {canonicalize_name(name): version for name, version in map(str.split, said.splitlines())}
    assert installed == {name: version for name, (_, version) in pins(lock).items()}


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_keeps_extras(lock: str) -> None:
    """What a package asks for with an extra stands with that extra in the lock, so that the two are one."""
    locked = pins(lock)
    needs = [line for name in locked for line in asked_by(name) if line.startswith("Requires-Dist")]
    asked = [Requirement(line.partition(": ")[2]) for line in needs]
    for found in asked:
        if found.name in locked and (not found.marker or found.marker.evaluate({"extra": ""})):
            for extra in found.extras:
                assert extra in locked[found.name][0], f"{found.name} without [{extra}] in {lock}"


def test_what_is_tested_is_what_the_images_have() -> None:
    tested = pins("requirements-dev.lock")
    for lock in ("requirements.lock", "requirements-web.lock"):
        assert pins(lock).items() <= tested.items(), lock


def test_no_worker_has_what_serves_pages_or_reads_pictures() -> None:
    strangers = {"starlette", "uvicorn", "jinja2", "python-multipart", "pillow", "pypdfium2", "zxing-cpp"}
    assert strangers & pins("requirements.lock").keys() == set()
    assert strangers <= pins("requirements-web.lock").keys()


def test_everything_that_installs_does_so_by_the_lock() -> None:
    """Machine, image and benchmark install by the one script, and by no other way."""
    places = ("deploy/bootstrap", "deploy/container/Dockerfile", "tests/bench/peer.py")
    for place in places:
        text = (CHECKOUT / place).read_text()
        assert "install-lock" in text, place
        assert "pip install" not in text.replace('"-m", "pip", "install"', "pip install"), place
