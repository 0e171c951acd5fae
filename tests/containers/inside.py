"""What a container may do, as the kernel of this machine tells it of the container's first process."""

from pathlib import Path
from typing import NamedTuple

_LISTENS = "0A"


class Rights(NamedTuple):
    """Of a process: its user, groups and what it is kept from."""

    users: set[str]
    groups: set[str]
    capabilities: set[str]
    no_new_privileges: bool
    system_calls_filtered: bool


def rights(pid: int) -> Rights:
    """Return the rights of a process."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    told = {name: text.split() for name, _, text in (line.partition(":") for line in lines)}
    kinds = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
    return Rights(
        users=set(told["Uid"]),
        groups={*told["Gid"], *told["Groups"]},
        capabilities={text for kind in kinds for text in told[kind]} - {"0" * 16},
        no_new_privileges=told["NoNewPrivs"] == ["1"],
        system_calls_filtered=told["Seccomp"] == ["2"],
    )


def mounts(pid: int) -> dict[str, set[str]]:
    """Return where file systems are mounted, as the process sees them, and their options."""
    lines = Path(f"/proc/{pid}/mountinfo").read_text(encoding="utf-8").splitlines()
    return {place: set(options.split(",")) for _, _, _, _, place, options, *_ in map(str.split, lines)}


def ports(pid: int) -> set[int]:
    """Return the TCP ports on which a process listens."""
    ours = {str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()}
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text(encoding="utf-8").splitlines()[1:]
    ]
    return {
        int(address.rpartition(":")[2], 16)
        for _, address, _, state, _, _, _, _, _, inode, *_ in rows
        if state == _LISTENS and f"socket:[{inode}]" in ours
    }
