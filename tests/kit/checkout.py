"""The project's own files, as git has them."""

import subprocess

import pytest

from deploy.local.processes import CHECKOUT


def tracked(*folders: str) -> list[str]:
    """Return the paths of all files under version control, or of those in some folders.

    Where there is no git the test that asks is skipped: an unpacked archive may hold anything beside them.
    """
    argv = ["git", "ls-files", "--", *folders]
    listed = subprocess.run(argv, cwd=CHECKOUT, check=False, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a checkout of git")
    return listed.stdout.splitlines()
