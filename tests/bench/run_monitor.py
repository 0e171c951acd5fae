"""Monitors one run of the main job, from its first issuance to its last delivery."""

from dataclasses import asdict, dataclass, field
from typing import Any

from deploy.local.processes import Process
from tests.bench.counting import Count, reach
from tests.bench.procfs import cpu, peak_memory

DELIVERIES = 3
"""Deliveries that a plain citizen's issuance has."""


@dataclass(frozen=True)
class Run:
    """The result of one run.

    Attributes:
        name: who did the job.
        requests: how many were waiting.
        rate: issuances a second, from the first issuance recorded to the last delivery recorded.
        delivered: deliveries a second by three, from the first delivery recorded to the last.
        cpu_ms: CPU time an issuance, in milliseconds, by process.
        peak_mb: peak resident memory in MB, by process of the one who did the job.
    """

    name: str
    requests: int
    rate: float
    delivered: float
    cpu_ms: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the run as plain values."""
        return asdict(self)


async def watch(
    name: str,
    requests: int,
    counts: tuple[Count, Count],
    own: dict[str, Process],
    servers: dict[str, Process],
) -> Run:
    """Monitor until all deliveries are recorded.

    Args:
        name: who does the job.
        requests: how many are waiting.
        counts: the counts of the issuances and of the deliveries recorded so far.
        own: the processes that do the job, by name.
        servers: those that serve it.

    Raises:
        StalledError: nothing was recorded for a minute.
    """
    issued, delivered = counts
    pids = {title: process.pid for title, process in (own | servers).items()}
    began = await reach(1, issued, name)
    spent = cpu(pids)
    first = await reach(1, delivered, name)
    last = await reach(DELIVERIES * requests, delivered, name)
    spent_at_last = cpu(pids)
    return Run(
        name=name,
        requests=requests,
        rate=(requests - began.done) / (last.at - began.at),
        delivered=(last.done - first.done) / DELIVERIES / (last.at - first.at),
        cpu_ms={title: (spent_at_last[title] - spent[title]) * 1000 / requests for title in pids},
        peak_mb={title: peak_memory(process.pid) for title, process in own.items()},
    )
