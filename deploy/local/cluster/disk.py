"""A disk of a host: a file system of its own, small enough to fill.

It is a file that the kernel mounts, sparse and without a name, so that nothing of it is left once it is
unmounted.
"""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from deploy.errors import StackError

_SIZE = 8 << 30
_NAMED = "pin-disk-"
"""What the file is called before the process that made it."""


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
        image = folder.with_name(f"{_NAMED}{os.getpid()}-{folder.name}")
        with image.open("wb") as file:
            file.truncate(_SIZE)
        try:
            _run("mkfs.ext4", "-q", "-F", "-m", "0", str(image))
            _run("mount", "-o", "loop", str(image), str(folder))
        finally:
            image.unlink()

    def fill(self, spare: int = 0) -> None:
        """Take all space that is free, but for some bytes."""
        left = os.statvfs(self.folder)
        piece = left.f_bavail * left.f_frsize - spare
        with (self.folder / "filler").open("ab") as file:
            while piece >= left.f_frsize:
                with suppress(OSError):  # the file system keeps some for itself: take half as much
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, piece)
                piece //= 2

    def clear(self) -> None:
        """Give the space back."""
        (self.folder / "filler").unlink(missing_ok=True)

    def close(self) -> None:
        """Unmount it; what still runs on it keeps it until its end."""
        with suppress(StackError):
            _run("umount", "--lazy", str(self.folder))


def _sweep() -> None:
    """Unmount what a program left behind that was killed."""
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        with suppress(OSError):  # it may be gone by now
            name = Path(backing.read_text().strip()).name
            pid = name.removeprefix(_NAMED).partition("-")[0]
            if name.startswith(_NAMED) and not Path(f"/proc/{pid}").exists():
                device = f"/dev/{backing.parts[-3]}"
                for line in Path("/proc/self/mounts").read_text().splitlines():
                    if line.split()[0] == device:
                        subprocess.run(["umount", "--lazy", line.split()[1]], check=False)


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"{' '.join(argv)}: {done.stderr.strip()}")
