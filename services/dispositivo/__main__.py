"""`python -m services.dispositivo`: the profile and the istanze, in one lane."""

import sys

from services.dispositivo import activation, branch, documents, istanze, queue, request_profile, review
from services.dispositivo.facts import ProfileFacts, ReviewQueueEffect
from services.dispositivo.form import prepare, typeset
from services.dispositivo.seen import SeenSeal
from services.settings import GROUPS
from shared.contract import topology
from shared.contract.dispositivo import (
    BranchActivate,
    BranchLookup,
    DispositivoApprove,
    DispositivoCancel,
    DispositivoRequest,
    IstanzaSubmit,
    ReviewQueue,
    SubmitDocuments,
)
from shared.contract.internal import TakeEffect, TellSuspended
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
    DispositivoRequest: request_profile.ProfileRequests(typeset),
    SubmitDocuments: documents.submit,
    ReviewQueue: queue.show,
    DispositivoApprove: review.approve,
    DispositivoCancel: review.cancel,
    TakeEffect: activation.take_effect,
    BranchLookup: branch.look_up,
    BranchActivate: branch.activate,
    IstanzaSubmit: istanze.submit,
    TellSuspended: istanze.notify_of_gathered,
}


def lane(settings: WorkerSettings, _: PinPolicy, keys: Keys) -> Lane:
    """Build the lane, with the typesetter of the form initialised."""
    prepare()
    return Lane(
        worker="dispositivo",
        name="dispositivo",
        queue=topology.DISPOSITIVO,
        read=CommandReader(DECISIONS, Pseudonyms(keys.symmetric("subject"))),
        batch=settings.batch,
        decisions=DECISIONS,
        effect=ReviewQueueEffect(),
        facts=ProfileFacts(SeenSeal(keys.symmetric("account"))),
        channels=keys.of_channels(channels_of("dispositivo")),
    )


def main() -> int:
    """Run the lane."""
    return start("dispositivo", lane, GROUPS)


if __name__ == "__main__":
    sys.exit(main())
