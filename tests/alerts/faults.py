"""For every alert the faults that it is for: each really happens, on the real stack.

A fault is a function that makes it happen, sees the lines of the log that it causes, and mends it. Lines are
replayed `speed` times as slowly as they were written: so a fault of some seconds lasts for minutes.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from deploy.local import dovecot
from tests.alerts import (
    faults_of_far_ends as far_ends,
)
from tests.alerts import (
    faults_of_letters as letters,
)
from tests.alerts import (
    faults_of_senders as senders,
)
from tests.alerts import (
    faults_of_servers as servers,
)
from tests.alerts import (
    faults_of_the_ledger as ledger,
)
from tests.alerts.hurried import HURRY
from tests.alerts.scene import Scene
from tests.far_ends.sftp_server import MISSING as NO_SHOP


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        happens: makes it happen.
        speed: seconds of the replay in one of the clock.
        lasts: minutes of the replay, at most, after which its alert has fired.
        lacking: what this machine lacks for it.
        blind: whether mtail is killed.
    """

    happens: Callable[[Scene], Awaitable[object]]
    speed: float = 1.0
    lasts: int = 30
    lacking: str = ""
    blind: bool = False


def _in_a_mailbox(happens: Callable[[Scene], Awaitable[object]], speed: float = 1.0) -> Fault:
    return Fault(happens, speed, lacking="" if dovecot.BINARY else "Dovecot")


def _at_the_shop(happens: Callable[[Scene], Awaitable[object]]) -> Fault:
    return Fault(happens, lacking=", ".join(NO_SHOP))


_GATEWAY_AWAY = Fault(far_ends.the_gateway_is_away, speed=30)
FAULTS: Mapping[str, tuple[Fault, ...]] = {
    "WorkerWaiting": (Fault(servers.postgres_is_away, speed=20),),
    "WorkerDied": (Fault(servers.a_worker_dies),),
    "NeedsAttention": (Fault(servers.nobody_consumes),),
    "StatusSilent": (Fault(servers.status_stops), Fault(servers.nothing_runs)),
    "MessageDead": (Fault(senders.no_json),),
    "SenderForbidden": (Fault(senders.keeps_saying_what_it_may_not),),
    "MessageParked": (Fault(ledger.an_account_does_not_open),),
    "WaveOfLocks": (Fault(senders.guesses_pins),),
    "WaveOfHealthCards": (Fault(senders.guesses_health_cards),),
    "WaveOfContacts": (Fault(senders.guesses_contacts),),
    "OutboxUnroutable": (Fault(servers.a_queue_is_unbound),),
    "ProviderDown": (
        Fault(far_ends.the_gateway_refuses_everybody, HURRY),
        Fault(far_ends.no_smsc_answers, HURRY),
    ),
    "MailboxWaiting": (Fault(far_ends.no_mailbox_answers, HURRY),),
    "MailboxUnknown": (
        _in_a_mailbox(far_ends.a_mail_is_not_understood),
        _in_a_mailbox(far_ends.a_mail_cannot_be_read),
    ),
    "ProviderShare": (Fault(far_ends.one_gateway_of_two_is_down, HURRY, lasts=60),),
    "ChannelFault": (
        Fault(letters.what_is_no_letter_comes_as_one),
        _in_a_mailbox(far_ends.a_mail_meets_a_defect),
    ),
    "LettersWaiting": (Fault(letters.nobody_fetches), Fault(letters.nobody_ever_fetched)),
    "LettersOverCap": (_at_the_shop(letters.more_letters_wait_than_a_day_takes),),
    "ShopConflict": (_at_the_shop(letters.the_shop_has_another_job),),
    "ShopAnswersUnread": (
        _at_the_shop(letters.the_shop_answers_rubbish),
        _at_the_shop(letters.the_shop_answers_rubbish_among_others),
    ),
    "CanaryFailed": (Fault(far_ends.a_canary_is_refused), Fault(far_ends.a_canary_is_not_sent)),
    "PrintJobs": (
        _at_the_shop(letters.the_shop_is_not_reached),
        _at_the_shop(letters.the_shop_has_another_job),
        _at_the_shop(letters.the_shop_says_nothing),
    ),
    "LedgerBroken": (
        Fault(ledger.an_entry_is_changed, lasts=60),
        Fault(ledger.a_citizen_is_removed, lasts=60),
    ),
    "LedgerNotVerified": (Fault(ledger.verify_finds_something, lasts=30 * 60),),
    "CheckpointMissing": (Fault(ledger.checkpoints_stop, lasts=6 * 60),),
    "MonthMissing": (Fault(ledger.a_month_is_missing), Fault(ledger.months_run_out)),
    "MonthNotSealed": (Fault(ledger.months_are_sealed_no_more, lasts=28 * 60),),
    "OperatorLookedOften": (Fault(senders.looks_at_many_citizens),),
    "PortalOverBudget": (Fault(senders.says_more_than_its_budget),),
    "LogsUnwatched": (Fault(servers.nothing_runs, blind=True),),
    "HandOverLate": (_GATEWAY_AWAY,),
    "RepliesLate": (Fault(ledger.somebody_locks_a_table, speed=30),),
    "OutcomesUnknown": (_GATEWAY_AWAY,),
    "LettersLate": (_at_the_shop(letters.the_shop_is_not_reached),),
}
