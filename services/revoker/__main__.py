"""`python -m services.revoker`: the one lane of the revoker."""

import sys

from services.revoker import restore, revoke
from services.settings import GROUPS
from shared.contract import topology
from shared.contract.revoker import (
    RestoreConfirm,
    RestoreRequest,
    RevokeByContactCentre,
    RevokeConfirm,
    RevokeRequest,
)
from shared.crypto.keyrings import channels_of
from shared.crypto.keys import Keys
from shared.crypto.sealing import Pseudonyms
from shared.domain.decision import Decisions
from shared.domain.policy import PinPolicy
from shared.worker.command_reader import CommandReader
from shared.worker.lane import Lane
from shared.worker.settings import WorkerSettings
from shared.worker.start import start

DECISIONS: Decisions = {
    RestoreRequest: restore.request,
    RestoreConfirm: restore.confirm,
    RevokeRequest: revoke.request,
    RevokeConfirm: revoke.confirm,
    RevokeByContactCentre: revoke.by_contact_centre,
}


def lane(settings: WorkerSettings, _: PinPolicy, keys: Keys) -> Lane:
    """Build the lane of restoring and revoking."""
    return Lane(
        worker="revoker",
        name="revoker",
        queue=topology.REVOKER,
        read=CommandReader(DECISIONS, Pseudonyms(keys.symmetric("subject"))),
        batch=settings.batch,
        decisions=DECISIONS,
        channels=keys.of_channels(channels_of("revoker")),
    )


if __name__ == "__main__":
    sys.exit(start("revoker", lane, GROUPS))
