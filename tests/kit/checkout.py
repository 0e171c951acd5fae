"""The project's files under version control."""

import subprocess

import pytest

from deploy.local.processes import CHECKOUT


def tracked(*folders: str) -> list[str]:
    """Return the paths of all files under version control, or of those in some folders.

    Without git the calling test is skipped: an unpacked archive may contain other files.
    """
    argv = ["git", "ls-files", "--", *folders]
    listed = subprocess.run(argv, cwd=CHECKOUT, check=False, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a checkout of git")
    return listed.stdout.splitlines()
