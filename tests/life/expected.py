"""The expected state of a citizen: the model against which every world is checked."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from shared.domain.account import Level, Status

DAY = timedelta(days=1)
LIVE = {"issued", "active", "restoring"}


@dataclass
class Tally:
    """Failures since the last success, and the lock they led to."""

    failures: int = 0
    in_row: int = 0
    locks: int = 0
    locked_until: datetime | None = None
    last: datetime | None = None

    def counts(self, now: datetime, quiet: timedelta, limit: int) -> bool:
        """Count a failure; return whether it locks."""
        if self.last and now - self.last >= quiet:
            self.in_row = self.locks = 0
        self.failures, self.in_row, self.last, self.locked_until = (
            self.failures + 1,
            self.in_row + 1,
            now,
            None,
        )
        if self.in_row < limit:
            return False
        self.in_row, self.locks = 0, self.locks + 1
        return True


@dataclass
class Link:
    """A confirming link in the citizen's mailbox; `halves_to` as (kind, address) where it restores."""

    token: str
    expires_at: datetime
    halves_to: tuple[tuple[str, str], ...] = ()


@dataclass
class Request:
    """An open request for the dispositivo profile."""

    id: str
    documents: bool = False
    effective_at: datetime | None = None


@dataclass
class Expected:
    """The expected state of one citizen.

    Attributes:
        cooling: of the contacts those changed lately: the one before, and since when.
        pin: the one valid PIN, 16 characters while `initial`, then 8; None if there is none.
        carriers: for each half of an initial PIN, the copies that may still arrive.
        spent: every PIN and half that was issued and is no longer valid.
        spent_tokens: every link that was replaced, used or closed.
        links_sent: when each link arrived, at any address.
        recognised_on: the days of the old recognitions that counted (R9).
        protocols: of every istanza ever accepted, by its id.
        suspended: the ids of the istanze that wait.
        released: the protocols of those that no longer do.
    """

    status: Status = "none"
    level: Level | None = None
    contacts: dict[str, str] = field(default_factory=dict)
    cooling: dict[str, tuple[str | None, datetime]] = field(default_factory=dict)
    card: dict[str, str] | None = None
    card_tally: Tally = field(default_factory=Tally)
    deceased: bool = False
    pin: str | None = None
    initial: bool = False
    expires_at: datetime | None = None
    carriers: tuple[set[UUID], ...] = ()
    spent: set[str] = field(default_factory=set)
    tally: Tally = field(default_factory=Tally)
    restore: Link | None = None
    revocation: Link | None = None
    spent_tokens: list[str] = field(default_factory=list)
    links_sent: list[datetime] = field(default_factory=list)
    request: Request | None = None
    earlier_requests: list[str] = field(default_factory=list)
    recognised_on: set[date] = field(default_factory=set)
    protocols: dict[str, str] = field(default_factory=dict)
    suspended: set[str] = field(default_factory=set)
    released: list[str] = field(default_factory=list)

    @property
    def live(self) -> bool:
        """Whether there is a live PIN (R7)."""
        return self.status in LIVE

    def opens(self, typed: str, now: datetime) -> bool:
        """Return whether this is the PIN, and it has not expired."""
        return self.pin == typed and not (self.expires_at and now >= self.expires_at)

    def counting(self, now: datetime, cooling: timedelta) -> dict[str, str]:
        """Return the contacts that count for a restore (R13)."""
        former = {kind: old for kind, (old, since) in self.cooling.items() if now - since < cooling}
        return {kind: value for kind, value in (self.contacts | former).items() if value}

    def links_of_last_day(self, now: datetime) -> int:
        """Return how many links were sent in the last 24 hours."""
        return sum(now - moment < DAY for moment in self.links_sent)

    def pin_is(self, pin: str | None, *, initial: bool = False, expires_at: datetime | None = None) -> None:
        """Replace the PIN; the previous one is spent."""
        if self.pin:
            self.spent |= {self.pin, self.pin[:8], self.pin[8:]} if self.initial else {self.pin}
        self.pin, self.initial, self.expires_at, self.carriers = pin, initial, expires_at, ()

    def close_links(self, *flows: str) -> None:
        """Close the links of these flows (`restore`, `revocation`), if they are open."""
        for flow in flows:
            if link := getattr(self, flow):
                self.spent_tokens.append(link.token)
                setattr(self, flow, None)

    def close_request(self) -> None:
        """End the open request for the profile, if there is one."""
        if self.request:
            self.earlier_requests.append(self.request.id)
            self.request = None

    def ends(self, status: Status) -> None:
        """End the PIN and its open links and requests; suspended istanze stay (R20, R32)."""
        self.pin_is(None)
        self.status, self.level = status, None
        self.close_links("restore", "revocation")
        self.close_request()

    def erased(self) -> None:
        """Forget everything but the status, whether the citizen has died, and what is no longer valid."""
        if self.live:
            self.ends("revoked")
        self.tally = self.card_tally = Tally()
        self.contacts, self.cooling, self.card = {}, {}, None
        self.protocols, self.suspended = {}, set()
        self.recognised_on = set()
        self.links_sent = []

    def becomes_dispositivo(self) -> None:
        """Raise the level and release every istanza (R32)."""
        self.level = "dispositivo"
        self.close_request()
        self.release(sorted(self.suspended))

    def release(self, istanze: Iterable[str]) -> None:
        """Record istanze as released."""
        for istanza in istanze:
            self.suspended.remove(istanza)
            self.released.append(self.protocols[istanza])
