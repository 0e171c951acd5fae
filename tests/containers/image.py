"""The image under test: `IMAGE`, else built here of `BASE`, else of a base that debootstrap makes."""

import os
import subprocess
import tempfile
from pathlib import Path

from deploy.local.processes import CHECKOUT
from shared.version import VERSION
from tests.containers.podman import podman

PROGRAMS = ("podman", "buildah", "debootstrap")
SUITE = "trixie"
"""Of Debian, as the image is built by default."""
_MINIMAL = f"localhost/debian-minbase:{SUITE}"
_TIDY = 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };\n'
"""As in Debian's own images: what is installed leaves no archive."""


def image() -> str:
    """Return the name and tag of the image, built if none is given."""
    if given := os.environ.get("IMAGE"):
        return given
    name = f"localhost/pin-online:{VERSION}"
    build = [str(CHECKOUT / "deploy/container/build"), os.environ.get("BASE") or _minimal(), name]
    subprocess.run(build, env={**os.environ, "BUILDER": "buildah"}, check=True)
    return name


def _minimal() -> str:
    """Return a base image; the machine keeps it for the next time."""
    if podman("images", "--quiet", _MINIMAL):
        return _MINIMAL
    with tempfile.TemporaryDirectory() as root:
        subprocess.run(["debootstrap", "--variant=minbase", SUITE, root], check=True)
        for part in ("var/cache/apt/archives", "var/lib/apt/lists"):
            for file in (path for path in Path(root, part).iterdir() if path.is_file()):
                file.unlink()
        Path(root, "etc/apt/apt.conf.d/tidy").write_text(_TIDY, encoding="ascii")
        with subprocess.Popen(["tar", "--directory", root, "--create", "."], stdout=subprocess.PIPE) as tar:
            subprocess.run(["podman", "import", "-", _MINIMAL], stdin=tar.stdout, check=True)
    return _MINIMAL
