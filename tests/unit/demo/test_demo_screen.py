"""Bars on a terminal, plain lines elsewhere."""

from io import StringIO

import pytest

from deploy.demo.screen import Screen, quarter


class Terminal(StringIO):
    def isatty(self) -> bool:
        """Say that it is one."""
        return True


def test_without_a_terminal_every_quarter_is_a_line() -> None:
    out = StringIO()
    with Screen(out).bars({"letters": 8, "PEC": 0}) as bars:
        for _ in range(8):
            bars.advance("letters")
    assert out.getvalue().splitlines() == [f"  letters  {done:>5} of 8" for done in (2, 4, 6, 8)]


def test_on_a_terminal_the_last_bars_drawn_are_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with Screen(out).bars({"SMS": 2, "letters": 1}) as bars:
        for name in ("SMS", "SMS", "letters"):
            bars.advance(name)
    last = out.getvalue().split("\x1b[2F")[-1]
    assert last.count("█") == 80
    assert "2 of 2" in last


def test_a_table_is_cut_at_the_edge() -> None:
    out = StringIO()
    Screen(out).table(("what",), [("x" * 200,)])
    assert out.getvalue().splitlines()[1] == "  " + "x" * 107 + "…"


@pytest.mark.parametrize(("total", "lines"), [(1, 1), (3, 3), (200, 4)])
def test_the_last_one_always_ends_a_quarter(total: int, lines: int) -> None:
    assert sum(quarter(done, total) for done in range(1, total + 1)) == lines
    assert quarter(total, total)
