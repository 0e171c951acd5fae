"""`python -m services.notifier sms|email|pec|post|receipts`: one process a channel, each with its own key."""

import os
import sys
from functools import partial

from services.notifier.bundle import BundleReader
from services.notifier.channels import NAMES, open_channel
from services.notifier.decisions import BundleDecision
from services.notifier.sending import Sending
from services.notifier.settings import NotifierSettings
from services.settings import GROUPS
from shared import logs
from shared.lifecycle import Lifecycle
from shared.sealing import BundleOpener, Keys, Pseudonyms
from shared.worker.lane import Lane
from shared.worker.settings import WorkerSettings
from shared.worker.start import start


def channel_lane(channel: str, settings: WorkerSettings, _: Lifecycle, keys: Keys) -> Lane:
    """Build the lane of one channel."""
    own = NotifierSettings.load(os.environ)
    name = f"notifier-{channel}"
    opener = BundleOpener(keys.private(channel))
    return Lane(
        worker="notifier",
        name=name,
        queue=f"notifier.{channel}",
        read=BundleReader(BundleDecision(channel, own)),
        batch=settings.bundles,
        accounts=False,
        effect=Sending(open_channel(channel, own), opener, own, logs.get(name)),
    )


def receipts_lane(settings: WorkerSettings, _: Lifecycle, keys: Keys) -> Lane:
    """Build the lane of receipts."""
    # Late, because they load the whole contract, which no channel needs.
    from services.notifier.receipts import Finding, ReceiptReader  # noqa: PLC0415
    from shared.worker.commands import CommandReader  # noqa: PLC0415

    commands = CommandReader("notifier.receipts", Pseudonyms(keys.symmetric("subject")))
    return Lane(
        worker="notifier",
        name="notifier-receipts",
        queue="notifier.receipts",
        read=ReceiptReader(commands),
        batch=settings.batch,
        accounts=False,
        effect=Finding(),
    )


def main() -> int:
    """Run the lane that is named on the command line."""
    match sys.argv[1:]:
        case ["receipts"]:
            return start("notifier-receipts", receipts_lane, GROUPS)
        case [channel] if channel in NAMES:
            return start(f"notifier-{channel}", partial(channel_lane, channel), GROUPS)
        case _:
            sys.stderr.write(f"usage: python -m services.notifier {'|'.join(NAMES)}|receipts\n")
            return 2


if __name__ == "__main__":
    sys.exit(main())
