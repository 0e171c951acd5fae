"""`python -m services.dispositivo`: the profile and the istanze, one lane."""

import sys

from services.dispositivo import activation, asking, branch, documents, istanze, queue, review
from services.dispositivo.facts import ProfileFacts, Waiting
from services.dispositivo.form import prepare, typeset
from shared.contract.dispositivo import (
    LANE,
    BranchActivate,
    BranchLookup,
    DispositivoApprove,
    DispositivoCancel,
    DispositivoRequest,
    IstanzaSubmit,
    ReviewQueue,
    SubmitDocuments,
    TakeEffect,
)
from shared.decision import Decisions
from shared.lifecycle import Lifecycle
from shared.sealing import Keys, Pseudonyms
from shared.worker.commands import CommandReader
from shared.worker.lane import Lane
from shared.worker.settings import WorkerSettings
from shared.worker.start import start

CHANNELS = ("email", "pec")
DECISIONS: Decisions = {
    DispositivoRequest: asking.ProfileRequests(typeset),
    SubmitDocuments: documents.submit,
    ReviewQueue: queue.show,
    DispositivoApprove: review.approve,
    DispositivoCancel: review.cancel,
    TakeEffect: activation.take_effect,
    BranchLookup: branch.look_up,
    BranchActivate: branch.activate,
    IstanzaSubmit: istanze.submit,
}


def lane(settings: WorkerSettings, _: Lifecycle, keys: Keys) -> Lane:
    """Build the lane, with the press of the form made ready."""
    prepare()
    return Lane(
        worker="dispositivo",
        name="dispositivo",
        queue=LANE,
        read=CommandReader(DECISIONS, Pseudonyms(keys.symmetric("subject"))),
        batch=settings.batch,
        decisions=DECISIONS,
        effect=Waiting(),
        facts=ProfileFacts(),
        channels={channel: keys.public(channel) for channel in CHANNELS},
    )


def main() -> int:
    """Run the lane."""
    return start("dispositivo", lane, box="dispositivo")


if __name__ == "__main__":
    sys.exit(main())
