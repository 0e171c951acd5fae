"""`python -m tests.upgrade [--from REVISION] [--rate R] [--lives N] [--set NAME=VALUE]…`: upgrade, and back.

It begins with the last release on docs/releases.md, unless another is given, and ends when every invariant of
the chaos suite holds. `--set`: settings of this checkout alone. Exit status: 0, or 1 with
what did not hold, or 2 when the release cannot be had.
"""

import argparse
import asyncio
import sys

from deploy.errors import StackError
from tests.upgrade.releases import NoReleaseError, last_release
from tests.upgrade.rolling import upgrade


def main() -> int:
    """Upgrade as the command line says."""
    words = argparse.ArgumentParser(prog="python -m tests.upgrade", description=__doc__)
    words.add_argument(
        "--from", dest="before", metavar="REVISION", help="a release such as v0.2.0, or a commit"
    )
    words.add_argument("--rate", type=float, default=5.0, help="citizens a second (5)")
    words.add_argument("--lives", type=int, default=100, help="led to their end in each state (100)")
    words.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="for this checkout alone"
    )
    told = words.parse_args()
    later = dict(one.partition("=")[::2] for one in told.set)
    try:
        before = told.before or last_release()
        say(f"from {before} to this checkout, and back")
        asyncio.run(upgrade(before, rate=told.rate, lives=told.lives, say=say, later=later))
    except NoReleaseError as error:
        say(str(error))
        return 2
    except (AssertionError, StackError) as broken:
        say("\n".join([str(broken), *getattr(broken, "__notes__", ())]))
        return 1
    say("nothing lost, nothing parked, nothing twice")
    return 0


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
