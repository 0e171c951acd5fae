"""A changed pepper: who logs in gets another verifier, and nobody notices (R11)."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from services.issuer.access import activate, verify
from services.issuer.attempts import Admission, Compared
from services.issuer.facts import RequestFacts
from services.issuer.pin_check import Verifiers
from services.issuer.requests import request
from shared.crypto.generations import Generations, Previous
from shared.crypto.secret import Secret
from shared.domain.account import Account, Pin
from shared.domain.decision import Decision
from shared.domain.pin import Pepper
from tests.unit.decisions import (
    CONTACTS,
    INITIAL_PIN,
    PIN,
    POLICY,
    REPLY_KEY,
    account,
    initial_pin,
    moment,
    read,
    sealed,
)

OLD, NEW = b"the pepper of the tests.........", b"another pepper of the tests....."
CHANGING = Generations(OLD, coming=NEW)
CHANGED = Generations(NEW, previous=(Previous(OLD, datetime(2026, 11, 27, tzinfo=UTC)),))
TYPED = {"pin_sealed": sealed("7K3M9PQX")}


@pytest.fixture
def verifiers() -> Iterator[Verifiers]:
    """The verifiers of a worker that has the new pepper as its current one."""
    made = Verifiers(Pepper(CHANGED), 1)
    yield made
    made.close()


def active() -> tuple[Account, Pin]:
    """Return a citizen whose PIN is from before peppers had names."""
    citizen = account("active")
    assert citizen.pin is not None
    assert citizen.pin.pepper == ""
    return citizen, citizen.pin


def after(decision: Decision) -> Pin:
    assert decision.account is not None
    assert decision.account.pin is not None
    return decision.account.pin


async def test_who_logs_in_with_an_earlier_pepper_gets_a_verifier_under_the_current_one(
    verifiers: Verifiers,
) -> None:
    """R11: the PIN is the same PIN, with the same id, and opens under both generations' workers."""
    citizen, pin = active()
    assert await verifiers.opens(pin, PIN)
    renewed = await verifiers.renewed(pin, PIN)
    compared = Compared(Admission(citizen), "yes", pin.id, renewed=renewed, pepper=verifiers.pepper)
    kept = after(verify(citizen, read("pin.verify", **TYPED), moment(known=compared)))
    assert (kept.id, kept.pepper) == (pin.id, Pepper(NEW).name)
    assert kept.salt != pin.salt
    assert kept.verifier != pin.verifier
    assert await verifiers.opens(kept, PIN)
    assert not await verifiers.opens(kept, Secret("AAAA1111"))
    assert await verifiers.renewed(kept, PIN) is None, "once is enough"


@pytest.mark.parametrize("pepper", [Generations(NEW), CHANGING])
async def test_what_a_newer_worker_made_is_neither_lost_nor_undone(
    verifiers: Verifiers, pepper: Generations
) -> None:
    """While workers are restarted: one of them still has the new pepper to read with only."""
    _, pin = active()
    renewed = await verifiers.renewed(pin, PIN)
    assert renewed is not None
    kept = pin.but(salt=renewed[0], verifier=renewed[1], pepper=verifiers.pepper)
    other = Verifiers(Pepper(pepper), 1)
    assert await other.opens(kept, PIN)
    assert await other.renewed(kept, PIN) is None
    other.close()


async def test_a_pin_under_a_pepper_that_is_gone_is_wrong(verifiers: Verifiers) -> None:
    _, pin = active()
    assert not await verifiers.opens(pin.but(pepper="00000000"), PIN)


def test_a_login_without_a_change_of_pepper_leaves_the_verifier() -> None:
    """R11."""
    citizen, pin = active()
    compared = Compared(Admission(citizen), "yes", pin.id, pepper=Pepper(NEW).name)
    assert verify(citizen, read("pin.verify", **TYPED), moment(known=compared)).account is None


def test_a_new_pin_names_the_pepper_that_its_verifier_was_made_with() -> None:
    """R10: the id comes with the verifier: the key may change between the two."""
    citizen = account("issued")
    assert citizen.pin is not None
    new = (Secret("Z9Y8X7W6"), b"n" * 16, b"v" * 32)
    compared = Compared(Admission(citizen), "yes", citizen.pin.id, new, pepper="0badcafe")
    command = read("pin.activate", reply_key=REPLY_KEY, **TYPED)
    assert after(activate(citizen, command, moment(known=compared))).pepper == "0badcafe"


def test_an_initial_pin_names_its_pepper() -> None:
    """R4."""
    issued = after(request(account("none"), read("pin.request"), moment(known={})))
    assert issued.pepper == moment().pepper.name


@pytest.mark.parametrize(("before", "since"), [(0, "full"), ("full", 0), (1, "rest")])
def test_the_messages_to_an_address_are_counted_under_both_peppers(before: object, since: object) -> None:
    """R5: the limit of a day holds on the day on which the pepper changes."""
    full = POLICY.first_halves_a_day
    many = {"full": full, "rest": full - 1}
    mobile = CONTACTS.mobile or ""
    sent = {Pepper(key).place(mobile): many.get(str(n), n) for key, n in ((OLD, before), (NEW, since))}
    ctx = moment(known=sent)
    changed = type(ctx)(ctx.now, ctx.random, ctx.policy, Pepper(CHANGED), ctx.box, sent)
    flooding = request(
        account("none"), read("pin.request", contacts={"mobile": mobile, "email": "a@b.it"}), changed
    )
    assert [event.type for event in flooding.events] == ["pin.request_rejected"]


def test_the_counts_of_both_peppers_are_read() -> None:
    facts = RequestFacts(Pepper(CHANGED))
    assert facts._pepper.places("+39333") == (Pepper(NEW).place("+39333"), Pepper(OLD).place("+39333"))


def test_a_half_is_known_by_its_tag_under_the_pepper_that_made_it(verifiers: Verifiers) -> None:
    """R10: who types one half while the pepper changes is still sent to first access."""
    earlier = initial_pin()
    assert verifiers.seems_part(earlier, Secret(INITIAL_PIN.reveal()[:8]))
    assert verifiers.seems_part(earlier, Secret(INITIAL_PIN.reveal()[8:]))
