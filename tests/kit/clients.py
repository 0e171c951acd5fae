"""The black-box client (`deploy.local.client`) on a test stack's broker, for each broker user."""

from deploy.local.client import Client
from deploy.local.stack import Stack


def client(stack: Stack, user: str, *, name: str = "") -> Client:
    """Return any user of the broker, to be opened by `async with`; `name` as in `Client`.

    A portal may follow few events: those of this one come from the user `observer`, who follows all.
    """
    observer = stack.env["PIN_OBSERVER_AMQP_URL"] if user == "portal" else ""
    return Client(stack.env[f"PIN_{user.upper()}_AMQP_URL"], user, name=name, observer=observer)


def portal(stack: Stack) -> Client:
    """Return a portal, to be opened by `async with`."""
    return client(stack, "portal")


def operator(stack: Stack) -> Client:
    """Return an operator's console, to be opened by `async with`."""
    return client(stack, "operator")


def registry(stack: Stack) -> Client:
    """Return the health registry, to be opened by `async with`."""
    return client(stack, "registry")


def gateway(stack: Stack) -> Client:
    """Return a gateway that sends receipts, to be opened by `async with`; it gets no replies."""
    return client(stack, "gateway")
