"""`notifier-mailbox` with a classifier of the tests' own: what a mail is stands in its subject."""

import os
import re
import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from services.notifier.mailbox.evidence import Understood
from services.notifier.mailbox.process import MailboxProcess
from services.notifier.mailbox.settings import MailboxSettings
from services.settings import GROUPS
from shared.contract.internal import ProviderReport
from shared.worker.settings import ProcessSettings
from shared.worker.start import Running, start_process

_SUBJECT = re.compile(rb"^Subject: (\S+) ?(\S*)\r\n", re.MULTILINE)


def classify(raw: bytes) -> Understood:
    """Understand `Subject: <what it is> <delivery id>`."""
    found = _SUBJECT.search(raw)
    kind, delivery = (found[1].decode(), found[2].decode()) if found else ("", "")
    match kind:
        case "delivered":
            return Understood("test_delivered", (report(delivery),))
        case "half":
            return Understood("test_half", (report(delivery),), kept=b"Subject: kept " + found[2] + b"\n\n")  # type: ignore[index]
        case "auto":
            return Understood("auto_reply")
        case "poison":
            raise ValueError("whatever the mail says")
        case "slow":
            time.sleep(30)
    return Understood("not_understood", unknown=True)


def report(delivery: str) -> ProviderReport:
    """Return the report of a delivery."""
    return ProviderReport(
        channel="pec",
        delivery_id=UUID(delivery),
        status="delivered",
        evidence="test_delivered",
        provider="a test",
        occurred_at="2026-11-27T12:00:00Z",
    )


def build(settings: ProcessSettings, log: Any) -> Callable[[], Running]:  # noqa: ANN401 - structlog's
    """Build the process."""
    boxes = MailboxSettings.load(os.environ)
    both = {"pec": classify, "bounce": classify}
    return lambda: MailboxProcess("notifier-mailbox", settings, boxes, both, log)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(start_process("notifier-mailbox", build, GROUPS, own=(MailboxSettings,)))
