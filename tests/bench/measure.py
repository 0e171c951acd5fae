"""What every measure is: options, a run, and what it has to tell."""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, field
from typing import Any, Protocol

from deploy.local.stack import Stack


@dataclass(frozen=True)
class Told:
    """What a measure showed.

    Attributes:
        title: of its section.
        lines: to print.
        values: the same, and more, for `--json`.
    """

    title: str
    lines: list[str]
    values: dict[str, Any] = field(default_factory=dict)


class Measure(Protocol):
    """One file of this folder."""

    __doc__: str | None

    def options(self, parser: ArgumentParser, /) -> None:
        """Add the options of this measure, sizes among them."""

    async def measure(self, stack: Stack, options: Namespace, /) -> Told:
        """Run it on a stack whose servers run, with no workers; leave it so."""
