"""The settings of a PIN's life. What the sources do not give is this project's own choice."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from shared.config.settings import Settings


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
    links_a_day: int = 3
    """Confirming links one citizen can be sent in 24 hours: more lets a stranger flood the mailbox."""
    tries_a_link: int = 5
    """Wrong confirmations after which the link is closed."""
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

    @field_validator("delivery_retention")
    @classmethod
    def _outlives_a_returned_letter(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        if value and value < info.data.get("initial_validity", timedelta(0)) + _LATEST_RETURN:
            raise ValueError("has to be at least 30 days longer than PIN_INITIAL_VALIDITY, or 0")
        return value
