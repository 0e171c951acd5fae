"""`python -m deploy.demo [--citizens N] [--root DIR] [--tls] [--stay]`: the demonstration.

Exit status: 0 when all expected events happened, 1 when not, 2 on invalid arguments.
"""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from deploy.demo.afterwards import tell_afterwards
from deploy.demo.demo_stack import DemoStack, demo_stack
from deploy.demo.messages import show_messages, show_places
from deploy.demo.runner import run_demo
from deploy.demo.screen import Screen
from deploy.demo.summary import rate, tell, tell_life
from deploy.errors import StackError
from deploy.local.directory import directory
from deploy.local.processes import CHECKOUT


def main(argv: Sequence[str]) -> int:
    """Run the demonstration, print a summary, and return the exit status."""
    words = _words(argv)
    began, screen = time.monotonic(), Screen()
    try:
        with demo_stack(words.root, words.citizens, screen, tls=words.tls) as stack:
            kept = asyncio.run(_demonstrate(stack, words.citizens, screen))
            if words.stay:
                _stay(stack, screen)
    except StackError as error:
        screen.say(str(error))
        return 1
    except KeyboardInterrupt:
        screen.say("Broken off.")
        return 1
    screen.say(f"  {time.monotonic() - began:.1f} s in all.")
    return 0 if kept else 1


def _words(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument("--citizens", type=_enough, default=200, metavar="N", help="how many (200)")
    parser.add_argument("--root", type=Path, default=CHECKOUT, metavar="DIR", help="where .local is")
    parser.add_argument("--tls", action="store_true", help="every connection by TLS, unless a stack is up")
    parser.add_argument("--stay", action="store_true", help="stay up afterwards, until Ctrl-C")
    return parser.parse_args(argv)


def _enough(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _stay(stack: DemoStack, screen: Screen) -> None:
    """Wait until somebody has seen enough; a stack that was up stays up by itself."""
    _show_pages(stack, screen)
    if not stack.ours:
        return
    screen.say("  It stays up until you press Ctrl-C.")
    with suppress(KeyboardInterrupt):
        signal.pause()
    screen.say()


def _show_pages(stack: DemoStack, screen: Screen) -> None:
    if lines := list(directory(stack.state)):
        screen.heading("In a browser")
        screen.say("\n".join(lines))


async def _demonstrate(stack: DemoStack, number: int, screen: Screen) -> bool:
    _announce(stack, screen)
    _show_pages(stack, screen)
    run = await run_demo(stack, number, screen)
    failures = tell(run, stack, screen)
    failures += await tell_afterwards(run, stack, screen)
    await tell_life(run, stack, screen)
    show_messages(run, screen)
    show_places(run, screen)
    screen.heading(rate(run))
    for failure in failures:
        screen.say(f"  Not as promised: {failure}")
    if not failures:
        screen.say("  Everything that was promised happened.")
    return not failures


def _announce(stack: DemoStack, screen: Screen) -> None:
    wait = f"{stack.delay.total_seconds():g} s"
    if stack.effect_in_sight:
        screen.say(
            f"  An approval takes effect after {wait} in this demonstration; else after 24 hours (R29)."
        )
    else:
        screen.say(
            f"  An approval takes effect after {wait} (R29), for which the demonstration does not wait."
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
