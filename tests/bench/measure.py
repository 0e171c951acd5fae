"""The interface of a measure: options, a run, and its result."""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, field
from typing import Any, Protocol

from deploy.local.stack import Stack


@dataclass(frozen=True)
class Told:
    """The result of a measure.

    Attributes:
        title: of its section.
        lines: to print.
        values: the same, and more, for the file of `--out`.
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
        """Run it on a stack with running servers and no workers; leave the stack in that state."""
