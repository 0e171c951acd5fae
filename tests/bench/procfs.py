"""CPU time and peak memory of processes, from `/proc` (proc(5))."""

import os
from collections import defaultdict
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")
"""Seconds in a clock tick."""


def cpu(roots: dict[str, int]) -> dict[str, float]:
    """Return the CPU seconds used by each process and all its children, including ended ones.

    Args:
        roots: pids by name.
    """
    spent: dict[int, float] = {}
    children: defaultdict[int, list[int]] = defaultdict(list)
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit() and (fields := _stat(directory)):
            pid = int(directory.name)
            # utime, stime, and those of the children that were waited for.
            spent[pid] = sum(int(ticks) for ticks in fields[11:15]) * TICK
            children[int(fields[1])].append(pid)
    return {name: _tree(pid, spent, children) for name, pid in roots.items()}


def _stat(directory: Path) -> list[str]:
    try:
        return (directory / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _tree(pid: int, spent: dict[int, float], children: dict[int, list[int]]) -> float:
    return spent.get(pid, 0.0) + sum(_tree(child, spent, children) for child in children.get(pid, []))


def peak_memory(pid: int) -> float:
    """Return the peak resident memory of a process, in MB (10^6 bytes)."""
    return _status(pid, "VmHWM:")


def resident(pid: int) -> float:
    """Return the resident memory of a process, in MB (10^6 bytes)."""
    return _status(pid, "VmRSS:")


def _status(pid: int, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def processor() -> str:
    """Return the processor's model name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")
