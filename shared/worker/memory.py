"""Keeps keys and PINs in the memory of the process: no core dump, and no debugger of the same user.

Not dumpable (prctl(2)) means that `/proc/<pid>/mem` belongs to root and that ptrace(2) is refused to all
without `CAP_SYS_PTRACE`. Both last until the process executes another program.
"""

import ctypes
import resource
import sys

_PR_SET_DUMPABLE = 4


def keep_memory_private() -> None:
    """Make this process leave no core dump and, on Linux, let no other look into it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
