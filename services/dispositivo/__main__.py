"""`python -m services.dispositivo`: the profile and the istanze, one lane."""

import sys

from services.dispositivo import activation, asking, branch, documents, istanze, review  # noqa: F401 - they enter the table of decisions
from services.dispositivo.form import prepare
from services.dispositivo.queue import Waiting
from services.settings import GROUPS
from shared.contract.dispositivo import LANE, IstanzaSubmit
from shared.lifecycle import Lifecycle
from shared.sealing import Keys, Pseudonyms
from shared.worker.commands import CommandReader
from shared.worker.lane import Lane
from shared.worker.settings import WorkerSettings
from shared.worker.start import start

CHANNELS = ("email", "pec")


def lane(settings: WorkerSettings, _: Lifecycle, keys: Keys) -> Lane:
    """Build the lane, with the press of the form made ready."""
    prepare()
    return Lane(
        worker="dispositivo",
        name="dispositivo",
        queue=LANE,
        read=CommandReader(LANE, Pseudonyms(keys.symmetric("subject"))),
        batch=settings.batch,
        effect=Waiting(),
        sequences={IstanzaSubmit: "draw_protocols"},
        channels={channel: keys.public(channel) for channel in CHANNELS},
    )


def main() -> int:
    """Run the lane."""
    return start("dispositivo", lane, GROUPS, box="dispositivo")


if __name__ == "__main__":
    sys.exit(main())
