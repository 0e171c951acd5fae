"""`python -m services.issuer requests|access`: one process per lane."""

import os
import sys
from datetime import timedelta

from services.issuer import access, endings, erasure, registry, requests
from services.issuer.attempts import FORGOTTEN_AFTER
from services.issuer.facts import AccessFacts, RequestFacts
from services.issuer.forgetting import forgetting
from services.issuer.pin_check import PinCheckEffect, Verifiers
from services.issuer.settings import AccessSettings
from services.settings import GROUPS
from shared.config import logs
from shared.contract import topology
from shared.contract.internal import Expire, FailedDelivery, ReturnedLetter, UnsuitableAddress
from shared.contract.issuer import (
    CitizenErase,
    ContactsUpdate,
    PinActivate,
    PinRequest,
    PinVerify,
    RegistryUpdate,
)
from shared.crypto.keyrings import channels_of
from shared.crypto.keys import Keys
from shared.crypto.sealing import Pseudonyms, ServiceBox, StateSeal
from shared.domain.decision import Decisions
from shared.domain.pin import Pepper
from shared.domain.policy import PinPolicy
from shared.italy.places import by_code
from shared.italy.residence import current
from shared.worker.command_reader import CommandReader
from shared.worker.earlier_key import EarlierKey
from shared.worker.lane import Lane
from shared.worker.message_box import MessageBoxes
from shared.worker.settings import WorkerSettings
from shared.worker.start import start

CLOCKS_APART = timedelta(hours=1)
"""Guesses at nobody are deleted so long after they count no more: the ledger has a clock of its own."""
WORKER = "issuer"
"""The role of both lanes on ledger and broker."""
REQUESTS: Decisions = {
    PinRequest: requests.request,
    ContactsUpdate: registry.contacts_update,
    RegistryUpdate: registry.registry_update,
    CitizenErase: erasure.erase,
    Expire: endings.expire,
    FailedDelivery: endings.delivery_failed,
    ReturnedLetter: endings.letter_returned,
    UnsuitableAddress: endings.address_unsuitable,
}
ACCESS: Decisions = {
    PinActivate: access.activate,
    PinVerify: access.verify,
}


def requests_lane(settings: WorkerSettings, policy: PinPolicy, keys: Keys) -> Lane:
    """Build the lane of requests, contacts, the registry, and the ends of a PIN and of what is kept."""
    by_code(), current()  # read now, not while the first citizen waits
    return Lane(
        worker=WORKER,
        name="issuer-requests",
        queue=topology.ISSUER_REQUESTS,
        read=CommandReader(REQUESTS, Pseudonyms(keys.symmetric("subject"))),
        batch=settings.batch,
        decisions=REQUESTS,
        facts=RequestFacts(Pepper(keys.symmetric("pepper"))),
        channels=keys.of_channels(channels_of("issuer-requests")),
        upkeep=forgetting(settings, policy, keys, logs.get()),
    )


def access_lane(settings: WorkerSettings, policy: PinPolicy, keys: Keys) -> Lane:
    """Build the lane of first access and log-in: neither it nor issuance waits for the other."""
    own = AccessSettings.load(os.environ)
    pepper = Pepper(keys.symmetric("pepper"))
    return Lane(
        worker=WORKER,
        name="issuer-access",
        queue=topology.ISSUER_ACCESS,
        read=CommandReader(ACCESS, Pseudonyms(keys.symmetric("subject"))),
        batch=own.access_batch,
        decisions=ACCESS,
        effect=PinCheckEffect(
            Verifiers(pepper, own.argon2_threads or os.cpu_count() or 1),
            StateSeal(keys.symmetric("account")),
            MessageBoxes(
                ServiceBox(keys.private("issuer"), EarlierKey("issuer", logs.get())),
                require_bound=settings.require_bound_seals,
                log=logs.get(),
            ),
            policy,
            WORKER,
            settings.oldest_account_schema,
        ),
        facts=AccessFacts(),
        forgets={
            "forget_nobodies": policy.nobody_retention + CLOCKS_APART,
            "forget_attempts": FORGOTTEN_AFTER,
        },
        channels=keys.of_channels(channels_of("issuer-access")),
    )


LANES = {"requests": requests_lane, "access": access_lane}


def main() -> int:
    """Run the lane named on the command line."""
    match sys.argv[1:]:
        case [name] if name in LANES:
            own = (AccessSettings,) if name == "access" else ()
            return start(f"issuer-{name}", LANES[name], GROUPS, own=own)
        case _:
            sys.stderr.write(f"usage: python -m services.issuer {'|'.join(LANES)}\n")
            return 2


if __name__ == "__main__":
    sys.exit(main())
