"""`pinctl dead expire`: parked messages end too, each with a line of the log."""

from datetime import UTC, datetime, timedelta

from deploy.pinctl.answer import Answer
from deploy.pinctl.settings import BrokerSettings
from shared.broker.admin import BrokerAdmin
from shared.config import logs

EVENT = "dead.expired"
"""The log line of one message that was removed."""


async def expire(broker: BrokerSettings, older_than: timedelta) -> Answer:
    """Remove what was parked longer ago than a period, oldest first; each is logged before it goes.

    A kill in between leaves a message that was logged, and the next run logs it again. A message without the
    time at which it was parked, as one of an earlier release, stays.

    Args:
        broker: where `pin.dead` is.
        older_than: zero removes nothing.
    """
    logs.configure("pinctl", "info")
    log = logs.get()
    oldest = datetime.now(UTC) - older_than
    expired = stayed = timeless = 0
    async with BrokerAdmin.open(broker.amqp_url.reveal(), broker.amqp_tls) as desk, desk.dead() as dead:
        async for letter in dead.letters():
            timeless += letter.parked_at is None
            if not older_than or letter.parked_at is None or letter.parked_at > oldest:
                stayed += 1
                continue
            log.warning(
                EVENT,
                message_id=letter.message_id[:64],
                type=letter.type[:64],
                reason=letter.reason[:64],
                queue=letter.queue[:64],
                user=letter.user_id[:64],
                parked_at=letter.parked_at,
                bytes=letter.length,
            )
            await dead.drop(letter)
            expired += 1
    log.info("dead.looked_through", expired=expired, stayed=stayed, without_time=timeless)
    return Answer("", {"expired": expired, "stayed": stayed, "without_time": timeless})
