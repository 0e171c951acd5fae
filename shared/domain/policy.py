"""The settings of a PIN's life. What the sources do not give is this project's own choice."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from shared.config.settings import Names, Settings
from shared.domain.uris import NEVER, is_pattern


def _not_negative(value: timedelta) -> timedelta:
    if value < timedelta(0):
        raise ValueError("has to be a length of time, or 0")
    return value


Retention = Annotated[timedelta, AfterValidator(_not_negative)]
"""How long something is kept; 0 is for ever."""
_LATEST_RETURN = timedelta(days=30)
"""How long after a PIN expired its letter may come back."""


class PinPolicy(Settings):
    """How long things live and how often they may be tried."""

    portal_url: str = "https://www.example.it/pin"
    """Base of the links in mails: a change breaks the links already sent."""
    initial_validity: timedelta = timedelta(days=60)
    """Life of an initial PIN: shorter frees lost letters sooner, and cuts off slow readers.

    It lives to the end of its last day in Italy. Less than a day is for trials: it ends to the second then,
    whatever date the letter gives.
    """
    link_validity: timedelta = timedelta(hours=24)
    """Life of a confirming link: longer leaves a lost mailbox useful to a thief for longer."""
    contacts_cooling: timedelta = timedelta(hours=72)
    """How long a contact that was added or changed does not count for a restore; with 0 it counts at once.

    Meanwhile the one before it counts. Shorter leaves a citizen less time to object before a thief of the
    session can take the PIN; longer leaves who lost a mailbox longer without a restore.
    """
    dispositivo_delay: timedelta = timedelta(hours=24)
    """From an operator's approval to its effect (R29)."""
    branch_delay: timedelta = timedelta(0)
    """From a branch's activation to its effect (R26)."""
    attempts_in_row: int = 5
    """Failures in a row that lock the PIN: more helps the guesser as much as the clumsy."""
    attempts_in_all: int = 20
    """Failures since the last success that block the PIN until it is restored or revoked."""
    lock_time: timedelta = timedelta(minutes=15)
    """The first lock; every further one lasts twice as long as the one before."""
    cards_in_row: int = 5
    """Wrong health cards in a row, in requests to revoke, that lock the card: more helps the guesser."""
    card_lock_time: timedelta = timedelta(minutes=15)
    """The first lock of the health card; every further one lasts twice as long as the one before.

    Meanwhile no card opens a revocation, the right one neither: the contact centre does.
    """
    card_lock_limit: timedelta = timedelta(days=1)
    """The longest lock of the health card: longer keeps the owner out longer when a stranger tries cards."""
    nobody_retention: timedelta = timedelta(days=30)
    """After how long without an attempt guesses are forgotten: of citizens of whom nothing is known all, with
    their rows; of others those in a row, and how long the next lock is. No lock lasts longer. Shorter lets a
    patient guesser have more first locks; longer keeps more rows of guesses at nobody.
    """
    links_a_day: int = 3
    """Confirming links one citizen can be sent in 24 hours: more lets a stranger flood the mailbox."""
    first_halves_a_day: int = 100
    """First halves, and notices that a PIN exists, to one mobile or mailbox a day over all citizens, which is
    Italy's: more lets strangers write to a phone more often in other people's names, fewer turns away who
    lends many people an address, such as a patronato. Each issuer process at work at once may add as many.
    """
    ended_retention: Retention = timedelta(days=3650)
    """How long what is kept about a citizen outlives the end of the PIN, for questions about what was done
    with it; then it is erased, and only the ledger's entries stay. Shorter loses sooner how citizens were
    recognised, their health card and the istanze that wait for a dispositivo PIN; 0 keeps all for ever.
    """
    delivery_retention: Retention = Field(default=timedelta(days=365), validate_default=True)
    """How long the ledger knows what became of a message to a citizen. A receipt that comes later changes
    nothing any more. At least a month longer than `initial_validity`, so that the letter that comes back ends
    its PIN; 0 keeps all for ever.
    """
    notice_interval: timedelta = timedelta(days=1)
    """How often, at most, a citizen is told that somebody asked for a second PIN (R7)."""
    attachment_schemes: Names = frozenset({"https", "s3", "folder"})
    """How attachments may be named (R24): operators' consoles open them, and each is a way into these.
    `folder` is that of our own portal and console: a folder that they share."""
    attachment_hosts: Names = frozenset()
    """Where attachments may be, such as `files.example.it *.example.org`; of `s3`, the buckets. Empty is any
    host that could be public. Naming them keeps out every other, and lets in one of your own network.
    """
    require_seen: bool = False
    """Whether who decides a request, or activates at a branch, must give the `seen` of what was shown.
    Consoles that do not yet are refused; an approval can be withdrawn only with the `seen` of its reply.
    """
    require_operator: bool = False
    """Whether a fax must name the operator who took it in: consoles that do not yet are refused."""
    lookups_an_hour: int = Field(default=200, ge=1)
    """Lookups, and looks at the queue, by one operator in an hour of the clock, past which the event
    `operator.looked_often` is published, once: fewer alarms sooner, of a busy branch too.
    """
    lookups_refused_after: int = Field(default=0, ge=0)
    """Those after which an operator is refused for the rest of the hour; 0 is never. It stops a thief, and a
    busy counter.
    """
    suspended_istanze: int = Field(default=300, ge=1)
    """Istanze of one citizen that may be suspended at once (R31): more lets a session fill an account, fewer
    turns away who sends many before the PIN is dispositivo.
    """

    @field_validator("attachment_schemes")
    @classmethod
    def _harmless(cls, schemes: frozenset[str]) -> frozenset[str]:
        lowered = frozenset(scheme.lower() for scheme in schemes)
        if harmful := lowered & NEVER:
            raise ValueError(f"never allowed: {' '.join(sorted(harmful))}")
        return lowered

    @field_validator("attachment_hosts")
    @classmethod
    def _names(cls, hosts: frozenset[str]) -> frozenset[str]:
        if strange := [named for named in hosts if not is_pattern(named)]:
            raise ValueError(f"no host: {' '.join(sorted(strange))}")
        return hosts

    @field_validator("delivery_retention")
    @classmethod
    def _outlives_a_returned_letter(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        if value and value < info.data.get("initial_validity", timedelta(0)) + _LATEST_RETURN:
            raise ValueError("has to be at least 30 days longer than PIN_INITIAL_VALIDITY, or 0")
        return value
