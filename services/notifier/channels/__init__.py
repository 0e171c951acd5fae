"""Channels: the only code that contacts outside providers."""

from collections.abc import Sequence
from typing import Protocol

from services.notifier.channels.provider import Provider
from services.notifier.outcome import Answer
from services.notifier.outgoing import Outgoing
from services.notifier.settings import NotifierSettings
from services.notifier.smpp_settings import is_smpp
from services.notifier.suspicion import Hearing
from shared.contract.channels import CHANNELS


class Channel(Protocol):
    """One way of delivery to a citizen."""

    @property
    def name(self) -> str:
        """Return the channel's name in `shared.contract.channels`."""

    async def send(self, batch: Sequence[Outgoing], hearing: Hearing) -> list[Answer]:
        """Hand over a batch, concurrently.

        Args:
            batch: what to send.
            hearing: notified of every answer as it arrives; decides when to stop asking.

        Returns:
            One answer each, in the order of the batch; a delivery without a heard answer was not tried.
            A provider's failure is an answer too: it raises no exception.
        """

    async def close(self) -> None:
        """Close connections; deliveries under way are lost."""


def open_channel(name: str, settings: NotifierSettings, provider: str = "") -> Channel:
    """Open a channel by its name, without connecting yet.

    Args:
        name: as in `shared.contract.channels`.
        settings: of the notifier, or of the provider.
        provider: the provider's name where the channel has several, else empty.

    Raises:
        ValueError: there is no such channel.
    """
    match name:
        case "sms":
            from services.notifier.channels.concurrency import ProviderChannel  # noqa: PLC0415 - as below

            return ProviderChannel("sms", open_sms(provider or name, settings))
        case "email" | "pec":
            from services.notifier.channels.smtp import SmtpChannel  # noqa: PLC0415 - a process loads its one channel

            return SmtpChannel(name, settings.mailbox(name), provider)
        case "post":
            from services.notifier.channels.letter import prepare  # noqa: PLC0415 - a process loads its one channel
            from services.notifier.channels.letter_seal import seal_to  # noqa: PLC0415 - a process loads its one channel
            from services.notifier.channels.post import PostChannel  # noqa: PLC0415 - a process loads its one channel

            prepare()  # takes 0.3 s, which the first letter would wait for
            return PostChannel(settings.post_spool, seal=seal_to(settings.post_seal_key))
        case _:
            there_are = ", ".join(channel.name for channel in CHANNELS)
            raise ValueError(f"no channel called {name!r}; there are {there_are}")


def open_sms(name: str, settings: NotifierSettings) -> Provider:
    """Open a provider of SMS, by the scheme of its URL, without connecting yet.

    Args:
        name: of the provider.
        settings: of the notifier.
    """
    if is_smpp(settings.sms_url):
        from services.notifier.channels.smpp.provider import SmppProvider  # noqa: PLC0415 - as below

        return SmppProvider(settings.smpp(name))
    from services.notifier.channels.sms import HttpGateway  # noqa: PLC0415 - a process loads its one channel

    return HttpGateway(settings, name)
