"""`python -m services.revoker`: the one lane of the revoker."""

import sys

from services.revoker import restore, revoke
from services.settings import GROUPS
from shared import channels
from shared.contract import topology
from shared.contract.revoker import (
    RestoreConfirm,
    RestoreRequest,
    RevokeByContactCentre,
    RevokeConfirm,
    RevokeRequest,
)
from shared.decision import Decisions
from shared.delivery import Post
from shared.lifecycle import Lifecycle
from shared.sealing import Keys, Pseudonyms
from shared.worker.commands import CommandReader
from shared.worker.lane import Lane
from shared.worker.settings import WorkerSettings
from shared.worker.start import start

CHANNELS = tuple(channel for channel in channels.CHANNELS if channel.content is not Post)
"""All but letters."""
DECISIONS: Decisions = {
    RestoreRequest: restore.request,
    RestoreConfirm: restore.confirm,
    RevokeRequest: revoke.request,
    RevokeConfirm: revoke.confirm,
    RevokeByContactCentre: revoke.by_contact_centre,
}


def lane(settings: WorkerSettings, _: Lifecycle, keys: Keys) -> Lane:
    """Build the lane of restoring and revoking."""
    return Lane(
        worker="revoker",
        name="revoker",
        queue=topology.REVOKER,
        read=CommandReader(DECISIONS, Pseudonyms(keys.symmetric("subject"))),
        batch=settings.batch,
        decisions=DECISIONS,
        channels=keys.of_channels(CHANNELS),
    )


if __name__ == "__main__":
    sys.exit(start("revoker", lane, GROUPS, box="revoker"))
