"""The upgrade of a PIN to dispositivo, and the istanze that wait for it (R22-R32)."""

from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from tests.life.citizen import Citizen
from tests.life.expected import Request
from tests.life.issue_and_activate import CLOCKS_APART
from tests.life.sample_data import DOCUMENT, FILE
from tests.life.world import Answer

NO_SUCH_REQUEST = str(uuid5(NAMESPACE_URL, "nobody's request"))


def ask(citizen: Citizen, submission: str) -> None:
    """R22, R23: the form comes; while a request is open it is the same one."""
    expected = citizen.expected
    answer = citizen.portal("dispositivo.request", submission=submission)
    if expected.status != "active":
        assert answer == Answer("no_active_pin", {})
    elif expected.level == "dispositivo":
        assert answer == Answer("already_dispositivo", {})
    else:
        assert answer.code == "accepted"
        assert answer.data["form"]["media_type"] == "application/pdf"
        if expected.request:
            assert answer.data["request_id"] == expected.request.id
        else:
            expected.request = Request(answer.data["request_id"])
            assert expected.request.id not in expected.earlier_requests


def _open(citizen: Citizen, request_id: str) -> Request | None:
    request = citizen.expected.request
    return request if request and request.id == request_id else None


def hand_in(citizen: Citizen, request_id: str, via: str) -> None:
    """R24: online from the portal, by fax through an operator; until it is decided."""
    body = {
        "request_id": request_id,
        "via": via,
        "signed_form": FILE,
        "document": DOCUMENT,
        "document_scan": FILE,
    }
    answer = citizen.ask("operator" if via == "fax" else "portal", "dispositivo.submit_documents", body)
    request = _open(citizen, request_id)
    if request is None or request.effective_at:
        assert answer == Answer("no_open_request", {})
    else:
        assert answer == Answer("accepted", {})
        request.documents = True


def approve(citizen: Citizen, request_id: str) -> None:
    """R25, R29: with the documents in, once, and in effect 24 hours later."""
    _not_what_was_seen(citizen, "dispositivo.approve", request_id=request_id)
    answer = citizen.operator("dispositivo.approve", request_id=request_id)
    request = _open(citizen, request_id)
    if request is None or request.effective_at:
        assert answer == Answer("no_open_request", {})
    elif not request.documents:
        assert answer == Answer("documents_missing", {})
    else:
        assert answer.code == "accepted"
        request.effective_at = datetime.fromisoformat(answer.data["effective_at"])
        off = request.effective_at - citizen.world.now - citizen.world.policy.dispositivo_delay
        assert abs(off) < timedelta(seconds=CLOCKS_APART)


def _not_what_was_seen(citizen: Citizen, type_: str, **body: object) -> None:
    """R25, R26: what another citizen's screen showed, or this one's long ago, decides nothing."""
    assert citizen.operator(type_, seen="0" * 32, **body) == Answer("changed_since_seen", {})


def takes_effect(citizen: Citizen, request_id: str) -> None:
    """R29, R32: what was approved, and neither cancelled nor ended since, holds now."""
    request = _open(citizen, request_id)
    if request and request.effective_at and citizen.world.now >= request.effective_at:
        citizen.expected.becomes_dispositivo()


def cancel(citizen: Citizen, request_id: str, reason: str) -> None:
    """R28: the citizen may ask again."""
    body = {"request_id": request_id, "reason": reason, "note": ""}
    _not_what_was_seen(citizen, "dispositivo.cancel", **body)
    answer = citizen.operator("dispositivo.cancel", **body)
    if _open(citizen, request_id) is None:
        assert answer == Answer("no_open_request", {})
    else:
        assert answer == Answer("accepted", {})
        citizen.expected.close_request()


def look_up(citizen: Citizen) -> None:
    """R26: the operator sees the person as registered."""
    answer = citizen.operator("branch.lookup")
    if citizen.expected.status != "active":
        assert answer == Answer("no_active_pin", {})
    else:
        assert answer.data["surname"] == citizen.world.person["surname"]
        shown = {kind: value for kind, value in answer.data["contacts"].items() if value}
        assert shown == citizen.expected.contacts


def at_a_branch(citizen: Citizen, number: str) -> None:
    """R26: at once, over an open request too."""
    _not_what_was_seen(citizen, "branch.activate", document=DOCUMENT)
    seen = citizen.operator("branch.lookup").data.get("seen")
    shown = {"seen": seen} if seen else {}
    answer = citizen.operator("branch.activate", document=DOCUMENT | {"number": number}, **shown)
    if citizen.expected.status != "active":
        assert answer == Answer("no_active_pin", {})
    elif citizen.expected.level == "dispositivo":
        assert answer == Answer("already_dispositivo", {})
    else:
        assert answer == Answer("accepted", {})
        citizen.expected.becomes_dispositivo()


def send_istanza(citizen: Citizen, number: int) -> None:
    """R30, R31: protocolled once; it waits unless the PIN is dispositivo."""
    expected, istanza = citizen.expected, f"{citizen.world.number}-{number}"
    answer = citizen.portal("istanza.submit", istanza_id=istanza, service="Indennità di maternità")
    if expected.status != "active":
        assert answer == Answer("no_active_pin", {})
        return
    assert answer.code == "accepted"
    protocol = answer.data["protocol"]
    if istanza not in expected.protocols:
        assert all(protocol > earlier for earlier in expected.protocols.values())
        expected.protocols[istanza] = protocol
        if expected.level != "dispositivo":
            expected.suspended.add(istanza)
    assert protocol == expected.protocols[istanza]
    waits = istanza in expected.suspended
    assert answer.data["status"] == ("suspended" if waits else "in_progress")
    assert ("notice" in answer.data) == waits
