"""What an operator decided is bound to what the operator saw (R25, R26)."""

from datetime import date, timedelta

import pytest

from services.dispositivo import branch, queue, review
from services.dispositivo.seen import SeenSeal
from shared.crypto.generations import Generations, Previous
from shared.domain.account import Account, Contacts
from shared.domain.decision import Decision
from tests.unit.decisions import NOW, POLICY, account, holder, public, read
from tests.unit.dispositivo.flow import (
    SEAL,
    approve,
    approved,
    asked,
    cancel,
    changed,
    code,
    data,
    facing,
    request_id,
    submitted,
)

STRICT = POLICY.model_copy(update={"require_seen": True})
OTHER_FORM = {"uri": "https://portal.example/other.pdf", "sha256": "1" * 64, "media_type": "application/pdf"}


def shown(citizen: Account) -> str:
    """Return the `seen` of a citizen's request, as the queue gives it."""
    decision = queue.show(Account(), read("dispositivo.review_queue"), facing(waiting=[citizen]))
    (request,) = data(decision)["requests"]
    return str(request["seen"])


def looked_up(citizen: Account) -> str:
    """Return the `seen` of a citizen, as a branch is shown it."""
    return str(data(branch.look_up(citizen, read("branch.lookup"), facing()))["seen"])


def activate(citizen: Account, **fields: object) -> Decision:
    return branch.activate(citizen, read("branch.activate", **fields), facing())


def test_what_was_seen_and_has_not_changed_is_decided() -> None:
    """R25, R26."""
    citizen = submitted()
    assert code(approve(citizen, seen=shown(citizen))) == "accepted"
    assert code(cancel(citizen, seen=shown(citizen))) == "accepted"
    assert code(activate(citizen, seen=looked_up(citizen))) == "accepted"
    # Time alone changes nothing.
    assert code(approve(citizen, NOW + timedelta(days=3), seen=shown(citizen))) == "accepted"


@pytest.mark.parametrize("decide", [approve, cancel])
def test_documents_that_came_after_the_look_are_not_decided_unseen(decide: object) -> None:
    """R25: whoever submits swaps the document between the operator's look and the approval."""
    assert decide in {approve, cancel}
    citizen = submitted()
    seen = shown(citizen)
    later = NOW + timedelta(minutes=1)
    for swapped in (
        submitted(citizen, later),
        submitted(citizen, signed_form=OTHER_FORM),
        submitted(citizen, document_scan=OTHER_FORM),
    ):
        decision = approve(swapped, seen=seen) if decide is approve else cancel(swapped, seen=seen)
        assert (code(decision), decision.account, decision.entries) == ("changed_since_seen", None, ())


def test_of_two_operators_who_saw_the_same_one_decides_and_the_other_is_told() -> None:
    """R25: whatever the first one decided."""
    citizen = submitted()
    seen, request = shown(citizen), request_id(citizen)
    first, cancelled = changed(approve(citizen, seen=seen)), changed(cancel(citizen, seen=seen))
    assert code(approve(first, seen=seen)) == "changed_since_seen"
    assert code(cancel(first, seen=seen)) == "changed_since_seen"
    assert code(approve(cancelled, seen=seen, request_id=request)) == "changed_since_seen"
    assert code(cancel(cancelled, seen=seen, request_id=request)) == "changed_since_seen"
    # Who gives no seen is answered as ever.
    assert code(approve(first)) == "no_open_request"
    assert code(cancel(cancelled, request_id=request)) == "no_open_request"


def test_who_approved_withdraws_it_with_the_seen_of_the_approval() -> None:
    """R28: an approved request is in no queue any more."""
    decision = approve(submitted())
    assert code(cancel(changed(decision), seen=data(decision)["seen"])) == "accepted"
    # That of one approval is not that of another.
    other = changed(approve(submitted(), NOW + timedelta(hours=1)))
    assert code(cancel(other, seen=data(decision)["seen"])) == "changed_since_seen"


def test_what_a_branch_saw_is_bound_to_the_person_the_document_and_the_decision() -> None:
    """R26."""
    citizen = submitted()
    seen = looked_up(citizen)
    other_document = {
        "kind": "passport",
        "number": "YA1234567",
        "issued_by": "Questura di Pisa",
        "issued_on": date(2020, 1, 10),
        "expires_on": date(2030, 1, 10),
    }
    for now in (
        citizen.but(holder=holder().but(surname="Bianchi")),
        citizen.but(contacts=Contacts(email="attacker@example.com")),
        submitted(citizen, document=other_document),
        changed(approve(citizen)),
        changed(cancel(citizen)),
        citizen.but(level="dispositivo", dispositivo=None, review_since=None),
        citizen.but(status="revoked", pin=None),
    ):
        decision = activate(now, seen=seen)
        assert (code(decision), decision.account) == ("changed_since_seen", None)
    assert code(activate(citizen, seen=seen)) == "accepted"


def test_two_branches_that_saw_the_same_citizen_activate_once() -> None:
    """R26."""
    citizen = account()
    seen = looked_up(citizen)
    first = changed(activate(citizen, seen=seen))
    assert code(activate(first, seen=seen)) == "changed_since_seen"
    assert code(activate(first)) == "already_dispositivo"


def test_seen_fits_no_other_citizen_and_no_other_place() -> None:
    """R25, R26: it cannot be transplanted, even between two who look the same."""
    one = submitted()
    twin = one.but(subject=b"another citizen.")
    assert code(approve(twin, seen=shown(one))) == "changed_since_seen"
    assert code(activate(twin, seen=looked_up(one))) == "changed_since_seen"
    assert code(activate(one, seen=shown(one))) == "changed_since_seen"
    assert code(approve(one, seen=looked_up(one))) == "changed_since_seen"
    assert code(approve(one, seen="0" * 32)) == "changed_since_seen"


def test_seen_is_the_same_for_the_same_and_tells_nothing() -> None:
    citizen = submitted()
    assert shown(citizen) == shown(citizen)
    assert looked_up(citizen) != looked_up(citizen.but(subject=b"another citizen."))
    assert len(shown(citizen)) == 32
    key = bytes(32)
    assert SeenSeal(key).of("request", b"a", {"a": 1, "b": 2}) == SeenSeal(key).of(
        "request", b"a", {"b": 2, "a": 1}
    )
    assert SeenSeal(key).of("request", b"a", {}) != SEAL.of("request", b"a", {})


def test_the_entries_name_what_was_seen() -> None:
    """R25, R26: of the look and of the decision."""
    citizen = submitted()
    seen = shown(citizen)
    look = queue.show(Account(), read("dispositivo.review_queue"), facing(waiting=[citizen]))
    assert [entry.data["seen"] for entry in look.entries] == [seen]
    for decision in (approve(citizen, seen=seen), cancel(citizen, seen=seen)):
        assert [entry.data["seen"] for entry in decision.entries] == [seen]
    at_branch = looked_up(citizen)
    entries = activate(citizen, seen=at_branch).entries
    assert [entry.data["seen"] for entry in entries if entry.kind == "dispositivo.activated"] == [at_branch]
    assert "Rossi" not in public(activate(citizen, seen=at_branch))


def test_a_setting_demands_it() -> None:
    """R25, R26: without it nothing is decided, approved requests included."""
    citizen = submitted()
    strict = facing(policy=STRICT)
    request = request_id(citizen)
    for decision in (
        review.approve(citizen, read("dispositivo.approve", request_id=request), strict),
        review.cancel(citizen, read("dispositivo.cancel", request_id=request), strict),
        review.cancel(approved(citizen), read("dispositivo.cancel", request_id=request), strict),
        branch.activate(citizen, read("branch.activate"), strict),
    ):
        assert decision.reply is not None
        assert (decision.reply.code, decision.account) == ("invalid", None)
        assert [(fault.field, fault.code) for fault in decision.reply.errors] == [("seen", "required")]
    command = read("dispositivo.approve", request_id=request, seen=shown(citizen))
    assert code(review.approve(citizen, command, strict)) == "accepted"


def test_what_is_not_shown_cannot_have_been_seen() -> None:
    """R28: before the documents are in there is nothing to decide."""
    assert code(approve(asked(), seen="0" * 32)) == "changed_since_seen"
    assert code(approve(asked())) == "documents_missing"


def test_what_was_seen_under_another_generation_of_the_key_is_good() -> None:
    old, new = b"o" * 32, b"n" * 32
    before, during = SeenSeal(old), SeenSeal(Generations(old, coming=new))
    after = SeenSeal(Generations(new, previous=(Previous(old, NOW),)))
    what = ("queue", b"s" * 16, {"form": 1})
    for made, read_by in ((before, after), (after, during), (during, after)):
        given = made.of(*what)
        assert read_by.of(*what, given) == given
    assert SeenSeal(new).of(*what, before.of(*what)) != before.of(*what)
