"""The alerts, in the order of docs/operations.md, which says under each name what to do."""

from datetime import timedelta

from deploy.monitoring.alert import Alert

ALERTS = (
    Alert(
        name="WorkerWaiting",
        severity="page",
        summary="{{ $labels.worker }} has been without Postgres or RabbitMQ for two minutes",
        events=("worker.waiting",),
        by=("worker",),
        within=timedelta(minutes=1),
        lasting=timedelta(minutes=2),
        because=(
            "A server that fails over is back before that. Whoever waits says so at each try. The longest\n"
            "takes PIN_PUBLISH_LIMIT (30 s) and the time to connect: above 45 s count within 2m, for 3m."
        ),
    ),
    Alert(
        name="WorkerDied",
        severity="ticket",
        summary="{{ $labels.worker }} ended by itself, and was started again",
        events=("worker.died", "worker.consumer_gone"),
        by=("worker",),
        within=timedelta(minutes=15),
    ),
    Alert(
        name="NeedsAttention",
        severity="page",
        summary=(
            "pinctl status found the same or more twice in a row: nobody consumes a "
            "queue, what was due is late, or pin.dead is not empty"
        ),
        says="Attention: ",
        container="pinctl",
        more_than=1,
        within=timedelta(minutes=12),
    ),
    Alert(
        name="StatusSilent",
        severity="ticket",
        summary=("pinctl status has not run for 20 minutes: nobody would notice a queue without a consumer"),
        says="Attention: |Nothing needs attention",
        container="pinctl",
        within=timedelta(minutes=20),
        absent=True,
    ),
    Alert(
        name="MessageDead",
        severity="ticket",
        summary="{{ $labels.worker }} put what it could not read into pin.dead: {{ $labels.reason }}",
        events=("message.dead",),
        by=("worker", "reason"),
        within=timedelta(minutes=15),
    ),
    Alert(
        name="SenderForbidden",
        severity="page",
        summary="{{ $labels.user }} keeps sending what it may not: {{ $labels.reason }}",
        events=("message.dead",),
        where={"reason": ("forbidden_sender", "forbidden_exchange", "unknown_sender")},
        by=("user", "reason"),
        more_than=20,
        within=timedelta(minutes=5),
        because="One may be a mistake; this many are somebody trying.",
    ),
    Alert(
        name="MessageParked",
        severity="page",
        summary="{{ $labels.worker }} could not handle a {{ $labels.type }}: {{ $labels.code }}",
        events=("message.handled",),
        where={"outcome": ("parked",)},
        by=("worker", "type", "code"),
        within=timedelta(minutes=15),
        because="A citizen waits for it.",
    ),
    Alert(
        name="WaveOfLocks",
        severity="page",
        summary="{{ $value }} PINs were locked in 15 minutes: somebody guesses PINs",
        events=("message.handled",),
        where={"reason": ("pin_locked", "pin_blocked")},
        more_than=100,
        within=timedelta(minutes=15),
        because="This and the two below count what anybody may send: raise them where so many are usual.",
    ),
    Alert(
        name="WaveOfHealthCards",
        severity="page",
        summary=(
            "{{ $value }} requests to revoke came with a wrong health "
            "card in 15 minutes: somebody guesses cards"
        ),
        events=("message.handled",),
        where={"reason": ("health_card_differs", "health_card_locked")},
        more_than=100,
        within=timedelta(minutes=15),
    ),
    Alert(
        name="WaveOfContacts",
        severity="page",
        summary=(
            "{{ $value }} requests to restore named contacts that do not count in 15 "
            "minutes: somebody guesses contacts, or changes them to take PINs"
        ),
        events=("message.handled",),
        where={"reason": ("contacts_differ", "contacts_cooling")},
        more_than=100,
        within=timedelta(minutes=15),
    ),
    Alert(
        name="OutboxUnroutable",
        severity="page",
        summary="the broker has no queue for what {{ $labels.worker }} says to {{ $labels.exchange }}",
        events=("outbox.unroutable",),
        by=("worker", "exchange"),
        within=timedelta(minutes=15),
        because="It is tried again after ten minutes at most, and said each time.",
    ),
    Alert(
        name="ProviderDown",
        severity="ticket",
        summary="{{ $labels.channel }} has been unreachable for ten minutes: {{ $labels.reason }}",
        events=("provider.down", "smpp.unbound"),
        by=("channel", "reason"),
        within=timedelta(minutes=5),
        lasting=timedelta(minutes=10),
    ),
    Alert(
        name="MailboxWaiting",
        severity="ticket",
        summary=(
            "the {{ $labels.mailbox }} mailbox has not been readable for ten minutes: {{ $labels.reason }}"
        ),
        events=("mailbox.waiting",),
        by=("mailbox", "reason"),
        within=timedelta(minutes=5),
        lasting=timedelta(minutes=10),
    ),
    Alert(
        name="MailboxUnknown",
        severity="ticket",
        summary=(
            "the {{ $labels.mailbox }} mailbox has mails that were not understood: {{ $labels.reason }}"
        ),
        events=("mailbox.unknown", "mailbox.stuck"),
        by=("mailbox", "reason"),
        within=timedelta(minutes=15),
    ),
    Alert(
        name="ProviderShare",
        severity="ticket",
        summary=(
            "{{ $labels.provider }} carries {{ $labels.channel }} alone: every "
            "other provider is down, or fails or is slow"
        ),
        events=("provider.alone",),
        by=("channel", "provider"),
        within=timedelta(minutes=12),
        lasting=timedelta(minutes=13),
        because="It is said after ten minutes, and again each ten: one line alone fires nothing.",
    ),
    Alert(
        name="ChannelFault",
        severity="ticket",
        summary="{{ $labels.worker }} has a defect: {{ $labels.error }}",
        events=("channel.fault", "mailbox.fault", "post.typesetting_failed"),
        by=("worker", "error"),
        within=timedelta(minutes=15),
    ),
    Alert(
        name="LettersWaiting",
        severity="ticket",
        summary="letters have been in the spool for three days: the print provider does not fetch them",
        events=("letters.waiting", "letters.forgotten"),
        within=timedelta(minutes=15),
    ),
    Alert(
        name="LettersOverCap",
        severity="ticket",
        summary="more letters waited at the cut-off than a day's cap: the rest goes the next working day",
        events=("letters.over_cap",),
        within=timedelta(minutes=15),
    ),
    Alert(
        name="ShopConflict",
        severity="page",
        summary="the print shop has another job of the id {{ $labels.job }}: its letters are not sent",
        events=("shop.conflict",),
        by=("job",),
        within=timedelta(minutes=65),
        because="Two ledgers send to one shop, or somebody else does. It is said each hour while it lasts.",
    ),
    Alert(
        name="ShopAnswersUnread",
        severity="ticket",
        summary="the print shop answered what cannot be read: the file is in its folder unknown/",
        events=("shop.answer_unknown", "shop.answer_lines_unreadable"),
        within=timedelta(minutes=15),
    ),
    Alert(
        name="CanaryFailed",
        severity="page",
        summary="a canary of {{ $labels.channel }} failed, or is overdue",
        events=("canary.failed", "canary.overdue"),
        by=("channel",),
        within=timedelta(minutes=15),
        because="What happens to a canary happens to citizens.",
    ),
    Alert(
        name="PrintJobs",
        severity="ticket",
        summary="{{ $labels.event }}: {{ $labels.job }}",
        events=("job.late", "job.stuck", "letters.unanswered"),
        by=("event", "job"),
        within=timedelta(minutes=65),
    ),
    Alert(
        name="LedgerBroken",
        severity="page",
        summary=(
            "ledger verify found a broken chain, an account that is not what its chain "
            "saw, or a checkpoint or sealed month that is refuted"
        ),
        says=(
            "([0-9,]+ breaks?(, the first [0-9,]+)?|[0-9,]+ of [0-9,]+ checkpoints? do not hold"
            "|[0-9,]+ months? do not hold):$"
        ),
        container="pinctl",
        within=timedelta(minutes=30),
    ),
    Alert(
        name="LedgerNotVerified",
        severity="ticket",
        summary=(
            "no sound ledger verify for more than a day: it did not run, had no "
            "checkpoint of the day to compare, or found something"
        ),
        says="The ledger is sound[.]",
        container="pinctl",
        within=timedelta(hours=26),
        absent=True,
    ),
    Alert(
        name="CheckpointMissing",
        severity="ticket",
        summary="no checkpoint for three hours: what happened since is guarded by the ledger alone",
        events=("ledger.checkpoint",),
        container="pinctl",
        within=timedelta(hours=3),
        absent=True,
    ),
    Alert(
        name="MonthMissing",
        severity="ticket",
        summary="the ledger has no month for entries to come, or some are in none",
        says="Attention: .*(the ledger has no month for entries|in no month)",
        container="pinctl",
        more_than=1,
        within=timedelta(minutes=12),
        because="Entries are kept all the same.",
    ),
    Alert(
        name="MonthNotSealed",
        severity="ticket",
        summary=(
            "no good ledger seal-month for more than a day:"
            " it did not run, or a month that is due was not sealed"
        ),
        says="No month is to be sealed[.]|[0-9, -]+: sealed[.]|.+ is written[.]$",
        container="pinctl",
        within=timedelta(hours=26),
        absent=True,
    ),
    Alert(
        name="OperatorLookedOften",
        severity="ticket",
        summary=(
            "operator {{ $labels.operator }} of {{ $labels.office }} looked at "
            "more citizens within an hour than is usual"
        ),
        events=("alarm.raised",),
        where={"alarm": ("operator.looked_often",)},
        by=("operator", "office", "user"),
        within=timedelta(minutes=15),
    ),
    Alert(
        name="PortalOverBudget",
        severity="ticket",
        summary=(
            "{{ $labels.user }} sent more commands to {{ $labels.lane }} within an hour than its budget"
        ),
        events=("alarm.raised",),
        where={"alarm": ("portal.over_budget",)},
        by=("user", "lane"),
        within=timedelta(minutes=15),
        because="Nothing is refused.",
    ),
)
