"""`python -m tests.cluster [FAULT…]`: faults, measured; `python -m tests.cluster --table FILE…`: their table.

Each run is one fault under load and ends when every invariant of the chaos suite holds. It prints a line,
adds it to the file of `--out`, and is repeated by its fault and seed:
`python -m tests.cluster FAULT --runs 1 --seed SEED`. The exit status is 1 if a run failed.
"""

import argparse
import logging
import sys
import time
from pathlib import Path

from deploy.local.processes import CHECKOUT
from tests.cluster.faults import FAULTS
from tests.cluster.report import keep, read, table
from tests.cluster.series import series
from tests.kit.tables import put

_RESULTS = CHECKOUT / ".local/chaos"


def main() -> int:
    """Run the faults named on the command line, or all; or make the table of earlier runs."""
    words = argparse.ArgumentParser(
        prog="python -m tests.cluster",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    words.add_argument("faults", nargs="*", metavar="FAULT", help=", ".join(FAULTS))
    words.add_argument("--runs", type=int, default=5, help="of each fault (5)")
    words.add_argument("--rate", type=float, default=200.0, help="requests a second (200)")
    words.add_argument("--seconds", type=float, default=60.0, help="of load, at least (60)")
    words.add_argument(
        "--seed", type=int, default=int(time.time()), help="of the first run; the next has one more"
    )
    words.add_argument(
        "--out", type=Path, help="to which each run is added as a line of JSON (.local/chaos/…)"
    )
    words.add_argument(
        "--table", type=Path, nargs="+", metavar="FILE", help="run nothing; make the table of these"
    )
    words.add_argument(
        "--into", type=Path, metavar="DOCUMENT", help="put the table in its place in a document"
    )
    told = words.parse_args()
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # lost connections are what is wanted
    if unknown := set(told.faults) - FAULTS.keys():
        words.error(f"no fault called {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
    files = told.table or [told.out or _RESULTS / f"{time.strftime('%Y%m%dT%H%M%S')}.jsonl"]
    failed = 0
    if not told.table:
        failed = _run(told, files[0])
    text = table(read(files), FAULTS)
    if told.into:
        put(text, told.into, "python -m tests.cluster")
    else:
        say(text)
    return min(failed, 1)


def _run(told: argparse.Namespace, file: Path) -> int:
    """Run the series; return how many runs failed."""
    failed = 0
    say(f"seeds from {told.seed}; results in {file}")
    with series(told.rate, told.seconds, file.with_suffix("")) as runs:
        for number in range(told.runs):
            for fault in told.faults or FAULTS:
                run = runs.run(fault, told.seed + number)
                keep(run, file)
                say(str(run))
                failed += bool(run.failure)
    return failed


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
