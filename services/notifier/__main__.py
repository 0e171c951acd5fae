"""`python -m services.notifier sms|email|pec|post|receipts|mailbox`.

A process per channel, each with its key; one for what is reported of deliveries; one that reads mailboxes.
"""

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from services.notifier.bundle import Bundle, BundleReader
from services.notifier.canary.quiet import Quiet
from services.notifier.canary.settings import CanarySettings
from services.notifier.channels.spool_upkeep import SpoolUpkeep
from services.notifier.decisions import BundleDecision
from services.notifier.mailbox.settings import MailboxSettings
from services.notifier.senders import open_sender
from services.notifier.sending import SendEffect
from services.notifier.settings import AcceptanceSettings, NotifierSettings
from services.notifier.shop.settings import PrintJobSettings
from services.notifier.shop.wire_settings import ShopWireSettings
from services.settings import GROUPS
from shared.config import logs
from shared.contract import topology
from shared.contract.channels import CHANNELS, Channel
from shared.crypto.keyrings import channels_of
from shared.crypto.keys import Keys
from shared.crypto.sealing import BundleOpener
from shared.domain.policy import PinPolicy
from shared.errors import SettingsError
from shared.worker.lane import Effect, Lane, Together, Upkeep
from shared.worker.settings import ProcessSettings, WorkerSettings
from shared.worker.start import Running, start, start_process

MAILBOX = "notifier-mailbox"


def channel_lane(channel: Channel, settings: WorkerSettings, policy: PinPolicy, keys: Keys) -> Lane:
    """Build the lane of one channel."""
    own = NotifierSettings.load(os.environ)
    awaits = channel.name == "pec" and bool(AcceptanceSettings.load(os.environ).pec_acceptance_limit)
    effect, upkeep = _parts(channel, own, settings, policy, BundleOpener(keys.private(channel.key)))
    letters = {"forget_letters": policy.delivery_retention} if channel.spool else {}
    return Lane(
        worker="notifier",
        name=channel.worker,
        queue=channel.queue,
        read=BundleReader(),
        batch=settings.bundles,
        decisions={Bundle: Quiet(BundleDecision(channel.name, own, awaits=awaits))},
        exchanges=frozenset({topology.NOTIFICATIONS}),
        accounts=False,
        effect=effect,
        forgets={"forget_deliveries": policy.delivery_retention, **letters},
        upkeep=upkeep,
    )


def _parts(
    channel: Channel,
    own: NotifierSettings,
    settings: WorkerSettings,
    policy: PinPolicy,
    opener: BundleOpener,
) -> tuple[Effect, Upkeep | None]:
    """Return what a channel does with deliveries, and beside them."""
    log = logs.get()
    if not channel.spool:
        sender = open_sender(channel.name, own, log)
        return SendEffect(sender, opener), sender.upkeep
    if own.spool_retention and own.spool_retention < policy.initial_validity:
        raise SettingsError("PIN_SPOOL_RETENTION: has to be at least PIN_INITIAL_VALIDITY, or 0")
    wire = ShopWireSettings.load(os.environ)
    if wire.shop_host:
        # Imported late: only who has a print shop needs an SSH client.
        from services.notifier.shop.lane import print_shop  # noqa: PLC0415
        from services.notifier.shop.sftp_shop import SftpShop  # noqa: PLC0415

        jobs = PrintJobSettings.load(os.environ)
        return print_shop(SftpShop(wire), jobs, own, settings, opener, log)
    spool = SpoolUpkeep(own.post_spool, own.spool_retention, log)
    return SendEffect(open_sender(channel.name, own, log), opener), spool


def receipts_lane(settings: WorkerSettings, policy: PinPolicy, keys: Keys) -> Lane:
    """Build the lane of receipts, which names citizens by what is recorded of their deliveries."""
    # Imported late: they load the whole contract, which no channel needs.
    from services.notifier.acceptance import Unaccepted  # noqa: PLC0415
    from services.notifier.canary.course import plans  # noqa: PLC0415
    from services.notifier.canary.upkeep import CANARY_RETENTION, Canaries  # noqa: PLC0415
    from services.notifier.facts import FindDeliveryEffect, ReceiptFacts  # noqa: PLC0415
    from services.notifier.receipts import Receipt, ReceiptReader, receipt  # noqa: PLC0415
    from services.notifier.timeline import timeline  # noqa: PLC0415
    from shared.contract.notifier import DeliveryReceipt  # noqa: PLC0415
    from shared.contract.supervision import DeliveryTimeline  # noqa: PLC0415
    from shared.worker.command_reader import CommandReader  # noqa: PLC0415

    log = logs.get()
    limit = AcceptanceSettings.load(os.environ).pec_acceptance_limit
    channels = keys.of_channels(channels_of("notifier-receipts"))
    canaries = Canaries(plans(CanarySettings.load(os.environ)), channels, log)
    return Lane(
        worker="notifier",
        name="notifier-receipts",
        queue=topology.RECEIPTS,
        read=ReceiptReader(CommandReader((DeliveryReceipt, DeliveryTimeline))),
        batch=settings.batch,
        decisions={Receipt: Quiet(receipt), DeliveryTimeline: timeline},
        exchanges=frozenset({topology.COMMANDS, topology.RECEIVED}),
        accounts=False,
        effect=FindDeliveryEffect(),
        facts=ReceiptFacts(),
        channels=channels,
        forgets={"forget_deliveries": policy.delivery_retention, "forget_canaries": CANARY_RETENTION},
        upkeep=Together(canaries, *([Unaccepted(limit, log)] if limit else [])),
    )


def mailbox_process(settings: ProcessSettings, log: Any) -> Callable[[], Running]:  # noqa: ANN401 - structlog's
    """Build what reads the mailboxes that are named, each with what understands its mails.

    Raises:
        SettingsError: none is named, or one cannot be understood with these settings.
    """
    # Imported late: no channel needs them.
    from services.notifier.mailbox.classifiers import open_classifier  # noqa: PLC0415
    from services.notifier.mailbox.process import MailboxProcess  # noqa: PLC0415

    mailboxes = MailboxSettings.load(os.environ)
    if not mailboxes.boxes():
        raise SettingsError("PIN_PEC_IMAP_HOST, PIN_BOUNCE_IMAP_HOST: no mailbox to read is named")
    classifiers = {box.name: open_classifier(box.name, os.environ) for box in mailboxes.boxes()}
    return lambda: MailboxProcess(MAILBOX, settings, mailboxes, classifiers, log)


def main() -> int:
    """Run the lane named on the command line."""
    channels = {channel.name: channel for channel in CHANNELS}
    match sys.argv[1:]:
        case ["receipts"]:
            own = (AcceptanceSettings, CanarySettings)
            return start("notifier-receipts", receipts_lane, GROUPS, own=own)
        case ["mailbox"]:
            return start_process(MAILBOX, mailbox_process, GROUPS, own=(MailboxSettings,))
        case [name] if name in channels:
            lane = partial(channel_lane, channels[name])
            shop = (ShopWireSettings, PrintJobSettings) if channels[name].spool else ()
            own = (NotifierSettings, AcceptanceSettings, *shop)
            return start(channels[name].worker, lane, GROUPS, own=own)
        case _:
            sys.stderr.write(f"usage: python -m services.notifier {'|'.join(channels)}|receipts|mailbox\n")
            return 2


if __name__ == "__main__":
    sys.exit(main())
