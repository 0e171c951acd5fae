"""The settings of a PIN's life. What the sources do not give is this project's own choice."""

from datetime import timedelta

from shared.config.settings import Settings


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
    notice_interval: timedelta = timedelta(days=1)
    """How often, at most, a citizen is told that somebody asked for a second PIN (R7)."""
