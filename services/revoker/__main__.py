"""`python -m services.revoker`: the one lane of the revoker."""

import sys

from services.revoker import restore, revoke  # noqa: F401 - they enter the table of decisions
from services.settings import GROUPS
from shared.lifecycle import Lifecycle
from shared.sealing import Keys, Pseudonyms
from shared.worker.commands import CommandReader
from shared.worker.lane import Lane
from shared.worker.settings import WorkerSettings
from shared.worker.start import start

QUEUE = "revoker.commands"
CHANNELS = ("sms", "email", "pec")


def lane(settings: WorkerSettings, _: Lifecycle, keys: Keys) -> Lane:
    """Build the lane of restoring and revoking; it sends no letters."""
    return Lane(
        worker="revoker",
        name="revoker",
        queue=QUEUE,
        read=CommandReader(QUEUE, Pseudonyms(keys.symmetric("subject"))),
        batch=settings.batch,
        channels={channel: keys.public(channel) for channel in CHANNELS},
    )


if __name__ == "__main__":
    sys.exit(start("revoker", lane, GROUPS, box="revoker"))
