"""The only code that talks to the outside world."""

from collections.abc import Sequence
from typing import Protocol

from services.notifier.outcome import Answer
from services.notifier.outgoing import Outgoing
from services.notifier.settings import NotifierSettings
from services.notifier.suspicion import Hearing
from shared.contract.channels import CHANNELS


class Channel(Protocol):
    """One way to a citizen."""

    @property
    def name(self) -> str:
        """As `shared.contract.channels` calls it."""

    async def send(self, batch: Sequence[Outgoing], hearing: Hearing) -> list[Answer]:
        """Hand over all of a batch, concurrently.

        Args:
            batch: what to send.
            hearing: is told every answer as it comes, and says when to ask no further.

        Returns:
            One answer each, in the order of the batch; what was not heard was not tried. What the world
            does wrong is an answer too: nothing is raised for it.
        """

    async def close(self) -> None:
        """Give back connections; what is under way is lost."""


def open_channel(name: str, settings: NotifierSettings) -> Channel:
    """Open a channel by its name; connects to nothing yet.

    Args:
        name: as `shared.contract.channels` calls it.
        settings: of the notifier.

    Raises:
        ValueError: there is no such channel.
    """
    match name:
        case "sms":
            from services.notifier.channels.sms import SmsChannel  # noqa: PLC0415 - a process loads its one channel

            return SmsChannel(settings)
        case "email" | "pec":
            from services.notifier.channels.smtp import SmtpChannel  # noqa: PLC0415 - a process loads its one channel

            return SmtpChannel(name, settings.mailbox(name))
        case "post":
            from services.notifier.channels.letter import prepare  # noqa: PLC0415 - a process loads its one channel
            from services.notifier.channels.post import PostChannel  # noqa: PLC0415 - a process loads its one channel

            prepare()  # half a second that the first letter would wait for
            return PostChannel(settings.post_spool)
        case _:
            there_are = ", ".join(channel.name for channel in CHANNELS)
            raise ValueError(f"no channel called {name!r}; there are {there_are}")
