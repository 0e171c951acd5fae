"""Opens the sender of a channel's lane: one provider, or several."""

from typing import Any

from services.notifier.channels import open_channel
from services.notifier.guarded import GuardedProvider, Sender
from services.notifier.settings import NotifierSettings


def open_sender(channel: str, settings: NotifierSettings, log: Any) -> Sender:  # noqa: ANN401
    """Open a channel as the settings say, without connecting yet.

    Args:
        channel: its name.
        settings: of the notifier.
        log: of the lane.
    """
    named = settings.provider_names(channel)
    if not named and not settings.rate(channel):
        return GuardedProvider(open_channel(channel, settings), settings, log)
    from services.notifier.routing import Route, Router  # noqa: PLC0415 - few deployments have several
    from services.notifier.several import SeveralProviders  # noqa: PLC0415 - as above

    its_own = {one.name: settings.of_provider(channel, one.name) for one in named} or {"": settings}
    router = Router(
        routes=tuple(
            Route(one.name, float(one.weight or 1), float(its_own[one.name].rate(channel))) for one in named
        )
        or (Route("", rate=float(settings.rate(channel))),),
        ordered=all(one.weight is None for one in named),
        slow=settings.provider_slow.total_seconds(),
        recovery=settings.provider_recovery.total_seconds(),
        hold=settings.provider_hold,
    )
    providers = {
        name: GuardedProvider(open_channel(channel, own, name), own, log, name)
        for name, own in its_own.items()
    }
    return SeveralProviders(channel, providers, router, log)
