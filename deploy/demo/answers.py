"""The providers' answers: signed receipts for a share of the PEC, and bounces of a few ordinary mails.

Only halves that went by SMS too are said not to have arrived: so no PIN ends by it (R5).
"""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from subprocess import SubprocessError
from typing import Final

from imapclient.exceptions import IMAPClientError

from deploy.demo.canaries import Canary
from deploy.demo.citizen import Citizen
from deploy.demo.far_ends import BOUNCE_BOX, PEC_BOX
from deploy.demo.session import WENT_WRONG, Session
from deploy.local.bounces import bounce
from deploy.local.captured import PageCopy
from deploy.local.dovecot import Dovecot
from deploy.local.pec_provider import Provider

WENT_WRONG_THERE: Final = (*WENT_WRONG, SubprocessError, IMAPClientError, ValueError)
"""What ends the answers and not the demonstration."""
_TAKEN, _ARRIVED, _FAILED = "accettazione", "avvenuta-consegna", "errore-consegna"
_BOUNCES = 2


@dataclass(frozen=True)
class Answer:
    """What is said of the mail with one citizen's first half.

    Attributes:
        receipts: the kinds of the receipts, in order; none where it bounces.
        event: what is heard of it in the end.
    """

    citizen: Citizen
    receipts: tuple[str, ...]
    event: str


def answers(people: Sequence[Citizen]) -> list[Answer]:
    """Choose whose mail is answered: half of the PEC arrives, one does not, and two ordinary mails bounce."""
    twice = [citizen for citizen in people if citizen.asked and "sms" in citizen.issuance_channels]
    certified = [citizen for citizen in twice if citizen.mailbox == "pec"]
    ordinary = [citizen for citizen in twice if citizen.mailbox == "email"]
    arriving = certified[: (len(certified) + 1) // 2]
    failing = certified[len(arriving) :][:1]
    return [
        *(Answer(citizen, (_TAKEN, _ARRIVED), "delivery.delivered") for citizen in arriving),
        *(Answer(citizen, (_TAKEN, _FAILED), "delivery.failed") for citizen in failing),
        *(Answer(citizen, (), "delivery.failed") for citizen in ordinary[-_BOUNCES:]),
    ]


def promised_by(chosen: Sequence[Answer]) -> Counter[str]:
    """Return how often each event follows."""
    return Counter(answer.event for answer in chosen)


async def give(
    chosen: Sequence[Answer],
    session: Session,
    server: Dovecot,
    provider: Provider,
    canaries: Sequence[Canary],
) -> None:
    """Write the answers into the mailboxes, and wait until the workers have published each.

    A canary by PEC that the provider has is said to have arrived, too.

    Raises:
        TimeoutError: nothing was heard of one within 120 s.
        WENT_WRONG_THERE: an answer cannot be written.
    """
    mails = [(answer, _mail(answer.citizen)) for answer in chosen]
    certified = [(copy.path.read_bytes(), answer.receipts) for answer, copy in mails if answer.receipts]
    certified += [
        (canary.mail.read_bytes(), (_TAKEN, _ARRIVED))
        for canary in canaries
        if canary.channel == "pec" and canary.mail
    ]
    returned = [copy for answer, copy in mails if not answer.receipts]
    bounces = [bounce(envelope, copy.path.read_bytes()) for copy, envelope in _envelopes(session, returned)]

    def write() -> None:
        receipts = [provider.receipt_of(kind, sent) for sent, kinds in certified for kind in kinds]
        server.put(*receipts, user=PEC_BOX)
        server.put(*bounces, user=BOUNCE_BOX)

    await asyncio.to_thread(write)
    await asyncio.gather(*(answer.citizen.hears(answer.event) for answer in chosen))


def _mail(citizen: Citizen) -> PageCopy:
    """Return the mail with the first half of a citizen's first PIN."""
    sent = citizen.session.events.of(citizen.asked)
    (id_,) = {
        event["data"]["delivery_id"]
        for event in sent
        if event["type"] == "delivery.sent" and event["data"]["channel"] == citizen.mailbox
    }
    return citizen.session.captured.first_copy(id_)


def _envelopes(session: Session, mails: Sequence[PageCopy]) -> list[tuple[PageCopy, dict[str, str]]]:
    """Return mails with their envelopes, as the mail server recorded them."""
    if not mails:
        return []
    path = session.captured.mail_folder / "envelopes.jsonl"
    lines = map(json.loads, path.read_bytes().rpartition(b"\n")[0].splitlines())
    of = {line["mail"]: line for line in lines}
    return [(mail, of[mail.path.name]) for mail in mails]
