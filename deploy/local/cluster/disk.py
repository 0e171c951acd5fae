"""A disk of a host: a file system of its own, small enough to fill.

It is memory that the kernel mounts (tmpfs(5)), so that nothing of it is left once it is unmounted, and the
servers of a cluster do not wait for the one disk of this machine.
"""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from deploy.errors import StackError

_SIZE = 4 << 30
"""Bytes at most; the memory that it takes is what lies there."""
_PAGE = os.sysconf("SC_PAGE_SIZE")
_NAMED = "pin-disk-"
"""What it is called before the process that made it."""


class Disk:
    """A disk at a folder.

    Args:
        folder: where it is mounted; made if it is not there.

    Raises:
        StackError: this process may not mount.
    """

    def __init__(self, folder: Path) -> None:
        _sweep()
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={_SIZE}", f"{_NAMED}{os.getpid()}", str(folder))

    def fill(self, spare: int = 0) -> None:
        """Leave no space but for some bytes: the disk becomes as small as what lies there."""
        # Between the look and the change a server may write: then the kernel refuses, and we look again.
        for _ in range(20):
            now = os.statvfs(self.folder)
            used = (now.f_blocks - now.f_bfree) * now.f_frsize
            with suppress(StackError):
                return self._resize(used + max(spare, _PAGE))
        raise StackError(f"{self.folder}: it grows faster than it can be filled")

    def clear(self) -> None:
        """Give the space back."""
        self._resize(_SIZE)

    def _resize(self, size: int) -> None:
        _run("mount", "-o", f"remount,size={size}", str(self.folder))

    def close(self) -> None:
        """Unmount it; what still runs on it keeps it until its end."""
        with suppress(StackError):
            _run("umount", "--lazy", str(self.folder))


def _sweep() -> None:
    """Unmount what a program left behind that was killed."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        name, folder = line.split()[:2]
        if name.startswith(_NAMED) and not Path(f"/proc/{name.removeprefix(_NAMED)}").exists():
            with suppress(StackError):
                _run("umount", "--lazy", folder)


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"{' '.join(argv)}: {done.stderr.strip()}")
