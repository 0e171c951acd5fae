"""A worker whose fixed times are shorter than they are: `python -m tests.alerts.hurried MODULE [LANE]`.

What waits for ten minutes by a setting is told so by a setting; what waits so long by a constant waits the
`HURRY`th part of it here. All else is the worker as it ships.
"""

import runpy
import sys
from dataclasses import dataclass, fields

from deploy.local.workers import Worker

HURRY = 300
"""A second here is five minutes."""


@dataclass(frozen=True)
class Hurried(Worker):
    """A worker of the local stack that hurries."""

    @property
    def command(self) -> list[str]:
        """The arguments of `python`."""
        _, *rest = super().command
        return ["-m", "tests.alerts.hurried", *rest]


def hurried(worker: Worker) -> Worker:
    """Return a worker as one that hurries."""
    return Hurried(**{field.name: getattr(worker, field.name) for field in fields(worker)})


def _hurry() -> None:
    from services.notifier import several  # noqa: PLC0415 - in the worker's process alone
    from services.notifier.canary import upkeep  # noqa: PLC0415
    from services.notifier.channels.smpp import provider  # noqa: PLC0415
    from services.notifier.mailbox import reader  # noqa: PLC0415

    for module, names in (
        (several, ("_ALONE_EVERY",)),
        (upkeep, ("_REST",)),
        (provider, ("_SHORTEST_PAUSE", "_LONGEST_PAUSE")),
        (reader, ("_SHORTEST_PAUSE", "_LONGEST_PAUSE", "_ASIDE")),
    ):
        for name in names:
            setattr(module, name, getattr(module, name) / HURRY)


if __name__ == "__main__":
    _hurry()
    module, *sys.argv[1:] = sys.argv[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
