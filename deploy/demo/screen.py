"""The progress display: bars on a terminal, plain lines elsewhere."""

import os
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

from deploy.pinctl.tables import table

_PLAIN_WIDTH = 110
_BAR = 40
_EVERY = 0.05


class Screen:
    """Standard output, a terminal or not."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self.drawn = self._out.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        """Whether lines can be drawn over."""
        self._width = shutil.get_terminal_size().columns if self.drawn else _PLAIN_WIDTH

    def say(self, text: str = "") -> None:
        """Print a text as it is."""
        self.write(f"{text}\n")

    def write(self, text: str) -> None:
        """Write characters and flush."""
        self._out.write(text)
        self._out.flush()

    def heading(self, text: str) -> None:
        """Print a section heading."""
        self.say(f"\n\x1b[1m{text}\x1b[0m" if self.drawn else f"\n{text}")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print rows under their column names, cut at the edge of the screen."""
        for line in table(columns, rows).splitlines():
            self.say(line if len(line) <= self._width else f"{line[: self._width - 1]}…")

    def quote(self, title: str, text: str) -> None:
        """Print a quoted text, with a bar at its side."""
        self.say(f"  {title}")
        for line in text.splitlines():
            for part in textwrap.wrap(line, self._width - 6) or [""]:
                self.say(f"  │ {part}".rstrip())
        self.say()

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Show that a step is running, and at its end how long it took."""
        began = time.monotonic()
        if self.drawn:
            self.write(f"  {what} …")
        yield
        self.write("\r\x1b[K" if self.drawn else "")
        self.say(f"  {what}: {time.monotonic() - began:.1f} s")

    @contextmanager
    def bars(self, totals: Mapping[str, int]) -> Iterator["Bars"]:
        """Show bars, by name, until the block ends; a total of zero has no bar."""
        bars = Bars(self, {name: total for name, total in totals.items() if total})
        yield bars
        bars.draw()


class Bars:
    """The progress of several counters."""

    def __init__(self, screen: Screen, totals: Mapping[str, int]) -> None:
        self._screen, self._totals = screen, totals
        self._done = dict.fromkeys(totals, 0)
        self._column = max(map(len, totals), default=0)
        self._lines = 0
        self._drawn_at = 0.0

    def advance(self, name: str) -> None:
        """Count one more; without a terminal print a line at every quarter."""
        self._done[name] += 1
        if self._screen.drawn:
            if time.monotonic() - self._drawn_at > _EVERY:
                self.draw()
        elif quarter(self._done[name], self._totals[name]):
            self._screen.say(f"  {name:<{self._column}}  {self._count(name)}")

    def draw(self) -> None:
        """Redraw all bars in place."""
        if not self._screen.drawn:
            return
        up = f"\x1b[{self._lines}F" if self._lines else ""
        self._screen.write(up + "".join(f"\x1b[K{self._bar(name)}\n" for name in self._totals))
        self._lines, self._drawn_at = len(self._totals), time.monotonic()

    def _bar(self, name: str) -> str:
        full = _BAR * self._done[name] // self._totals[name]
        return f"  {name:<{self._column}}  {'█' * full}{'░' * (_BAR - full)}  {self._count(name)}"

    def _count(self, name: str) -> str:
        return f"{self._done[name]:>5} of {self._totals[name]}"


def quarter(done: int, total: int) -> bool:
    """Return whether this one completes another quarter of the total."""
    return 4 * done // total > 4 * (done - 1) // total
