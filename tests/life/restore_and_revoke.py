"""Contacts and cards change, a PIN is restored or revoked (R12-R21)."""

from typing import Literal

from tests.life.citizen import STRANGER, Citizen
from tests.life.expected import Link, Tally
from tests.life.issue_and_activate import has_new_pin
from tests.life.world import Answer, Body

_ORDER = ("mobile", "pec", "email")
Flow = Literal["restore", "revoke"]
_KEPT_AS = {"restore": "restore", "revoke": "revocation"}


def change_contact(citizen: Citizen, kind: str, value: str) -> None:
    """R12: after first access; for a restore it counts only later, and until then the one before (R13)."""
    expected = citizen.expected
    answer = citizen.portal("contacts.update", contacts={kind: value})
    if expected.status not in {"active", "restoring"}:
        assert answer == Answer("no_active_pin", {})
        return
    assert answer == Answer("accepted", {})
    if expected.contacts.get(kind) == value:
        return
    former = counting(citizen).get(kind)
    expected.contacts = expected.contacts | {kind: value}
    expected.cooling = {other: new for other, new in expected.cooling.items() if other != kind}
    if kind in _ORDER and value != former:
        expected.cooling[kind] = former, citizen.world.now


def counting(citizen: Citizen) -> dict[str, str]:
    """Return the contacts that count for a restore now (R13)."""
    return citizen.expected.counting(citizen.world.now, citizen.world.policy.contacts_cooling)


def registry_tells(citizen: Citizen, card: Body) -> None:
    """R19: the health card, which may come before any PIN."""
    assert citizen.ask("registry", "registry.update", {"health_card": card}) == Answer("accepted", {})
    citizen.expected.card = card


def registry_tells_of_death(citizen: Citizen) -> None:
    """Last rules: the PIN, links and requests end; suspended istanze stay suspended."""
    answer = citizen.ask("registry", "registry.update", {"deceased_on": "2024-05-17"})
    assert answer == Answer("accepted", {})
    citizen.expected.deceased = True
    if citizen.expected.live:
        _revoked(citizen)


def registry_takes_back(citizen: Citizen) -> None:
    """A death that was recorded by mistake: the citizen may ask for a PIN again."""
    answer = citizen.ask("registry", "registry.update", {"deceased_on": None})
    assert answer == Answer("accepted", {})
    citizen.expected.deceased = False


def ask_to_restore(
    citizen: Citizen, kinds: tuple[str, ...], mistaken: str | None = None, *, newest: bool = False
) -> None:
    """R13, R14, R17: the link comes only after first access, if all contacts are right and count."""
    expected, count = citizen.expected, counting(citizen)
    named = expected.contacts if newest else count
    given = {kind: named.get(kind, citizen.address(kind, STRANGER)) for kind in kinds}
    if mistaken in given:
        given[mistaken] = citizen.address(mistaken, STRANGER)
    assert citizen.portal("restore.request", contacts=given) == Answer("accepted", {})
    halves_to = tuple((kind, given[kind]) for kind in _ORDER if kind in given)[:2]
    known = all(count.get(kind) == value for kind, value in given.items())
    apart = len({value for _, value in halves_to}) > 1
    if expected.status in {"active", "restoring"} and known and apart and _may_be_sent(citizen):
        _link_comes(citizen, "restore", count.get("email") or count["pec"], halves_to)


def two_contacts(citizen: Citizen) -> tuple[str, ...]:
    """Return two contacts that count and are different places; none if there are no two (R13)."""
    contacts = counting(citizen)
    places = {contacts[kind]: kind for kind in reversed(_ORDER) if kind in contacts}
    return tuple(places.values())[:2] if len(places) > 1 else ()


def ask_to_revoke(citizen: Citizen, card: Body, kind: Literal["email", "pec"], address: str) -> None:
    """R18, R19: with the card that the registry knows, to any mailbox named; wrong ones lock it."""
    answer = citizen.portal("revoke.request", health_card=card, **{kind: address})
    assert answer == Answer("accepted", {})
    expected, life, now = citizen.expected, citizen.world.policy, citizen.world.now
    tally = expected.card_tally
    if not expected.live or not expected.card or (tally.locked_until and now < tally.locked_until):
        return
    if expected.card != card:
        if tally.counts(now, life.nobody_retention, life.cards_in_row):
            lock = min(life.card_lock_time * 2 ** (tally.locks - 1), life.card_lock_limit)
            tally.locked_until = now + lock
    elif _may_be_sent(citizen):
        expected.card_tally = Tally()
        _link_comes(citizen, "revoke", address)


def _may_be_sent(citizen: Citizen) -> bool:
    return citizen.expected.links_of_last_day(citizen.world.now) < citizen.world.policy.links_a_day


def _link_comes(
    citizen: Citizen, flow: Flow, address: str, halves_to: tuple[tuple[str, str], ...] = ()
) -> None:
    expected, now = citizen.expected, citizen.world.now
    token = citizen.token(address)
    expected.close_links(_KEPT_AS[flow])
    link = Link(token, now + citizen.world.policy.link_validity, halves_to=halves_to)
    setattr(expected, _KEPT_AS[flow], link)
    expected.links_sent.append(now)


def confirm_restore(citizen: Citizen, token: str) -> None:
    """R15, R16: a new PIN, one half to each contact; the lost PIN is invalid."""
    link = citizen.expected.restore
    if not _confirmed(citizen, "restore", token) or link is None:
        return
    expected, proven = citizen.expected, dict(link.halves_to)
    expected.status = "restoring"
    if any(expected.contacts.get(kind) != value for kind, value in proven.items()):
        expected.contacts, expected.cooling = counting(citizen) | proven, {}
    (_, first), (_, second) = link.halves_to
    has_new_pin(citizen, [first], [second])


def confirm_revocation(citizen: Citizen, token: str) -> None:
    """R20: the PIN is annulled."""
    if _confirmed(citizen, "revoke", token):
        _revoked(citizen)


def _confirmed(citizen: Citizen, flow: Flow, token: str) -> bool:
    """Open a link: it works once and in time, however many wrong tokens came before."""
    link: Link | None = getattr(citizen.expected, _KEPT_AS[flow])
    answer = citizen.portal(f"{flow}.confirm", token_sealed=citizen.world.seal("revoker", token))
    if link is None or citizen.world.now >= link.expires_at or token != link.token:
        assert answer == Answer("link_invalid", {})
        return False
    assert answer == Answer("accepted", {})
    return True


def contact_centre_revokes(citizen: Citizen) -> None:
    """R21: for citizens without a health card."""
    answer = citizen.operator("revoke.by_contact_centre", reason="Smarrito, senza Tessera Sanitaria.")
    assert answer == Answer("accepted" if citizen.expected.live else "no_live_pin", {})
    if citizen.expected.live:
        _revoked(citizen)


def operator_erases(citizen: Citizen) -> None:
    """Last rules: nothing is kept, whatever there was; the citizen may ask again."""
    known = bool(citizen.expected.contacts or citizen.expected.card)
    answer = citizen.operator("citizen.erase", reason="Richiesta scritta, fascicolo 2026/118.")
    assert answer == Answer("accepted" if known else "unknown_citizen", {})
    if known:
        citizen.expected.erased()


def _revoked(citizen: Citizen) -> None:
    citizen.expected.tally = Tally()
    citizen.expected.ends("revoked")
