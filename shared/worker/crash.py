"""Named points between reading and acknowledging at which a test may kill or freeze the process.

Only a process started with `PIN_CRASH_FILE` checks them; it sends itself SIGKILL, once, at the point named in
that file, or the signal named after it, as in `decided SIGSTOP`. The chaos tests enumerate `POINTS`; those of
one lane's upkeep, such as `receipts.stored`, are named by its own tests.
"""

import os
import signal
from pathlib import Path

POINTS = (
    "gathered",
    "parsed",
    "performed",
    "locked",
    "decided",
    "written",
    "committed",
    "published",
    "acknowledged",
    "relay.taken",
    "relay.published",
    "relay.removed",
)
PRINT_POINTS = (
    "letters.kept",
    "day.closing",
    "day.closed",
    "job.made",
    "job.put",
    "job.recorded",
    "answer.recorded",
)
"""Those between a letter's arrival and what the print shop says of it, see `services/notifier/shop`."""
WIRE_POINTS = (
    "shop.written",
    "shop.moved",
    "shop.ticket_written",
    "shop.ticket_placed",
    "shop.answer_claimed",
    "shop.answer_filed",
)
"""Those on the way to the print shop and back, see `services/notifier/shop/sftp_shop.py`."""


def crash_point(name: str) -> None:
    """Kill or freeze the process here, if a test requested it."""
    if (file := os.environ.get("PIN_CRASH_FILE")) is None:
        return
    path = Path(file)
    try:
        wanted, _, sent = path.read_text(encoding="ascii").strip().partition(" ")
    except FileNotFoundError:
        return
    if wanted == name:
        path.unlink()
        os.kill(os.getpid(), signal.Signals[sent or "SIGKILL"])
