"""A budget of commands for each portal user: past it the watchers are told, and nothing is refused.

A portal speaks for all of its citizens, so a refusal would fall on those who did nothing. The count is kept
in the memory of the process: it costs next to nothing, begins anew at a restart, and each process of a lane
counts what came to it.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

from shared.contract.alarm_events import PortalOverBudget
from shared.contract.instants import rfc3339
from shared.domain.decision import NOBODY, Event
from shared.worker.reading import ReceivedMessage


class PortalBudgets:
    """Counts the commands of portals in each hour of the clock (UTC).

    Args:
        budget: commands of one user in an hour; 0 is no budget.
        users: the broker users that are portals.
        lane: the name of this lane's process.
    """

    def __init__(self, budget: int, users: Collection[str], lane: str) -> None:
        self._budget, self._users, self._lane = budget, users, lane
        self._hour: datetime | None = None
        self._commands: Counter[str] = Counter()
        self._told: set[str] = set()

    def count(self, batch: Sequence[ReceivedMessage], now: datetime) -> None:
        """Count a batch; the alarm of a user that is over its budget goes with one of its messages."""
        if not self._budget:
            return
        hour = now.replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour = hour
            self._commands.clear()
            self._told.clear()
        last = {received.actor: received for received in batch if received.actor in self._users}
        self._commands.update(received.actor for received in batch if received.actor in self._users)
        for user, received in last.items():
            commands = self._commands[user]
            if commands > self._budget and user not in self._told:
                fact = PortalOverBudget(user=user, lane=self._lane, commands=commands, hour=rfc3339(hour))
                received.alarms = (Event(fact, subject=NOBODY),)

    def settled(self, batch: Sequence[ReceivedMessage]) -> None:
        """Note the alarms of a batch that is committed, so that they come once an hour."""
        self._told.update(received.actor for received in batch if received.alarms)
