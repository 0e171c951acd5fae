"""`notifier-mailbox` with the classifier of bounces alone."""

import os
import sys
from collections.abc import Callable
from typing import Any

from services.notifier.mailbox.bounce import bounce_classifier
from services.notifier.mailbox.process import MailboxProcess
from services.notifier.mailbox.settings import MailboxSettings
from services.notifier.settings import NotifierSettings
from services.settings import GROUPS
from shared.worker.settings import ProcessSettings
from shared.worker.start import Running, start_process


def build(settings: ProcessSettings, log: Any) -> Callable[[], Running]:  # noqa: ANN401 - structlog's
    """Build the process."""
    classifier = bounce_classifier(NotifierSettings.load(os.environ))
    boxes = MailboxSettings.load(os.environ)
    return lambda: MailboxProcess("notifier-mailbox", settings, boxes, {"bounce": classifier}, log)


if __name__ == "__main__":
    sys.exit(start_process("notifier-mailbox", build, GROUPS, own=(MailboxSettings, NotifierSettings)))
