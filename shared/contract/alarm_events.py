"""The events for whoever watches the system: about a sender, and no citizen. They are logged as well.

They are apart, as several workers may say one, and channels do not load the events of citizens.
"""

from typing import ClassVar

from shared.contract.event import EventData
from shared.contract.fields import Line, Word, WrittenInstant
from shared.contract.workers import DISPOSITIVO, ISSUER, REVOKER


class OperatorLookedOften(EventData):
    """An operator looked at more citizens within an hour than is usual; nobody's, it has no subject."""

    type: ClassVar[str] = "operator.looked_often"
    workers: ClassVar[frozenset[str]] = frozenset({DISPOSITIVO})
    alarm: ClassVar[bool] = True

    operator: Word
    """As declared in the commands."""
    office: Line
    user: Line
    """The broker user that sent them."""
    lookups: int
    """In the hour so far."""
    hour: WrittenInstant
    """Its beginning."""


class PortalOverBudget(EventData):
    """A portal's user sent more commands within an hour than it has a budget for; it has no subject."""

    type: ClassVar[str] = "portal.over_budget"
    workers: ClassVar[frozenset[str]] = frozenset({ISSUER, REVOKER, DISPOSITIVO})
    alarm: ClassVar[bool] = True

    user: Line
    """The portal's broker user."""
    lane: Line
    """The lane whose process counted."""
    commands: int
    """In the hour so far, by this process."""
    hour: WrittenInstant
    """Its beginning."""
