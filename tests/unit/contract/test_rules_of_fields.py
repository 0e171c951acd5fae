"""What the contract asks of fields, and of fields between each other, rule by rule."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.contract.issuer import PinRequest
from shared.contract.message import COMMANDS, read
from shared.contract.revoker import RevokeRequest
from tests.unit.contract.building import Change, changed, codes_of, drop, faults_of, put

DOCUMENT = {
    "kind": "identity_card",
    "number": "CA12345AA",
    "issued_by": "Comune di Pisa",
    "issued_on": "2001-03-15",
    "expires_on": "2011-03-14",
}
RECOGNITION = {
    "kind": "de_visu",
    "operator": {"id": "op-1", "office": "Sede di Pisa"},
    "document": DOCUMENT,
}


@pytest.mark.parametrize(
    "field",
    [
        "codice_fiscale",
        "surname",
        "name",
        "birth_date",
        "sex",
        "birth_province",
        "birth_place",
        "residence",
        "residence.street",
        "residence.number",
        "residence.province",
        "residence.municipality",
        "residence.postal_code",
        "contacts",
        "preferred_phone",
        "preferred_time",
    ],
)
def test_every_field_of_a_request_is_mandatory(field: str) -> None:
    """R1."""
    assert codes_of("pin.request", drop(field)) == {field: "missing"}


@pytest.mark.parametrize(
    ("field", "value"),
    [("surname", "Verdi"), ("name", "Luca"), ("birth_date", "1984-12-10"), ("sex", "F")],
)
def test_the_codice_fiscale_agrees_with_the_person(field: str, value: str) -> None:
    """R1."""
    assert codes_of("pin.request", put(field, value)) == {field: "disagrees_with_codice_fiscale"}


def test_the_person_is_compared_as_far_as_it_is_right() -> None:
    """R1: a surname of the wrong type does not hide a wrong birth date."""
    told = codes_of("pin.request", put("surname", 1), put("birth_date", "1984-12-10"))
    assert told == {"surname": "wrong_type", "birth_date": "disagrees_with_codice_fiscale"}


def test_a_birthplace_is_checked_without_a_codice_fiscale_to_compare_it_with() -> None:
    """R1."""
    told = codes_of("pin.request", put("codice_fiscale", "RSS"), put("birth_place", "Atlantide"))
    assert told == {"codice_fiscale": "wrong_length", "birth_place": "unknown_place"}


def test_municipality_province_and_cap_belong_together() -> None:
    """R1."""
    told = codes_of("pin.request", put("residence.province", "MI"))
    assert told == {"residence.municipality": "not_in_province"}
    told = codes_of("pin.request", put("residence.postal_code", "20121"))
    assert told == {"residence.postal_code": "not_of_municipality"}


def test_the_cap_is_checked_even_where_the_street_is_missing() -> None:
    """R1."""
    told = codes_of("pin.request", drop("residence.street"), put("residence.postal_code", "20121"))
    assert told == {"residence.street": "missing", "residence.postal_code": "not_of_municipality"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ((drop("residence.country"),), {"residence.country": "missing"}),
        ((put("residence.country", "it"),), {"residence.country": "not_one_of"}),
        ((put("residence", "Via Roma 1"),), {"residence": "wrong_type"}),
        ((put("residence", {"country": "FR", "lines": []}),), {"residence.lines": "too_short"}),
        ((put("residence", {"country": "QQ", "lines": [1]}),), {"residence.lines.0": "wrong_type"}),
    ],
)
def test_a_residence_is_told_the_faults_of_one_kind_only(
    changes: tuple[Change, ...], told: dict[str, str]
) -> None:
    """R1: at home, or abroad."""
    found = codes_of("pin.request", *changes)
    assert found.items() >= told.items()
    assert not ({"residence.street", "residence.lines"} <= set(found))


def test_a_residence_abroad_is_in_a_country_that_exists() -> None:
    """R1."""
    abroad = {"country": "QQ", "lines": ["5 Rue X"], "municipality": "Paris", "postal_code": "75001"}
    assert codes_of("pin.request", put("residence", abroad)) == {"residence.country": "unknown_country"}


def test_a_country_without_postal_codes_needs_none() -> None:
    """R1."""
    hong_kong = {"country": "HK", "lines": ["1 Queen's Road"], "municipality": "Hong Kong", "postal_code": ""}
    read("pin.request", changed("pin.request", put("residence", hong_kong)))


@pytest.mark.parametrize(
    ("contacts", "told"),
    [
        ({}, {"no_phone", "no_mailbox"}),
        ({"mobile": "+393331234567"}, {"no_mailbox"}),
        ({"pec": "rossi@pec.example.com"}, {"no_phone"}),
        ({"mobile": None, "email": None, "home_phone": None}, {"no_phone", "no_mailbox"}),
    ],
)
def test_a_request_has_a_phone_and_a_mailbox(contacts: dict[str, str], told: set[str]) -> None:
    """R2."""
    assert {fault.code for fault in faults_of("pin.request", put("contacts", contacts))} == told


def test_a_contact_that_is_wrong_does_not_count_as_lacking() -> None:
    """R2."""
    contacts = {"mobile": "0039 333", "email": "nobody"}
    told = codes_of("pin.request", put("contacts", contacts))
    assert told == {"contacts.mobile": "not_e164", "contacts.email": "invalid_address"}


def test_a_mobile_number_receives_sms() -> None:
    """R5: half of the PIN goes there."""
    assert codes_of("pin.request", put("contacts.mobile", "+390502220000")) == {"contacts.mobile": "no_sms"}


def test_the_preferred_phone_is_one_that_was_given() -> None:
    """R1, R2."""
    assert codes_of("pin.request", put("preferred_phone", "home")) == {"preferred_phone": "not_given"}


@pytest.mark.parametrize(
    ("day", "code"),
    [
        ("1899-12-31", "implausible_date"),
        ((datetime.now(UTC) + timedelta(days=2)).date().isoformat(), "in_the_future"),
        ("1985-02-29", "not_a_date"),
        ("1985-12-10T00:00:00", "not_a_date"),
        ("503020800", "not_a_date"),
        ("10/12/1985", "not_a_date"),
        ("１９８５-12-10", "not_a_date"),
        (503020800, "wrong_type"),
    ],
)
def test_a_birth_date_is_a_plausible_day_of_the_calendar(day: object, code: str) -> None:
    """R1."""
    assert codes_of("pin.request", put("birth_date", day)) == {"birth_date": code}


def test_a_document_that_has_expired_is_left_to_the_operator() -> None:
    """R24, R26."""
    command = read("pin.request", changed("pin.request", put("recognition", RECOGNITION)))
    assert isinstance(command, PinRequest)
    assert command.recognition


@pytest.mark.parametrize(
    ("value", "code"),
    [("Ros\u0000si", "control_character"), ("Ros\u202esi", "control_character"), ("", "too_short")],
)
def test_no_text_carries_what_cannot_be_stored_or_misleads_the_eye(value: str, code: str) -> None:
    assert codes_of("pin.request", put("surname", value)) == {"surname": code}
    assert codes_of("istanza.submit", put("service", value)) == {"service": code}


def test_a_note_may_have_several_lines() -> None:
    """R28."""
    read("dispositivo.cancel", changed("dispositivo.cancel", put("note", "First.\r\n\nSecond.")))
    assert codes_of("dispositivo.cancel", put("note", "a\n\x07")) == {"note": "control_character"}


@pytest.mark.parametrize("contacts", [{}, {"mobile": "+393331234567"}])
def test_a_restore_names_two_contacts(contacts: dict[str, str]) -> None:
    """R13."""
    assert codes_of("restore.request", put("contacts", contacts)) == {"contacts": "too_few_contacts"}


def test_a_landline_restores_nothing() -> None:
    """R13."""
    told = codes_of("restore.request", put("contacts.home_phone", "+390502220000"))
    assert told == {"contacts.home_phone": "unknown_field"}


def test_a_revocation_gives_the_health_card_and_an_address() -> None:
    """R19."""
    told = codes_of("revoke.request", drop("email"), put("health_card.number", "123"))
    assert told == {"email": "no_mailbox", "health_card.number": "not_a_card_number"}
    command = read(
        "revoke.request", changed("revoke.request", drop("email"), put("pec", "a@pec.example.com"))
    )
    assert isinstance(command, RevokeRequest)


def test_an_update_of_contacts_changes_at_least_one() -> None:
    """R12."""
    assert codes_of("contacts.update", put("contacts", {})) == {"contacts": "no_contact"}


@pytest.mark.parametrize(
    ("value", "code"),
    [("not base64!", "not_base64"), ("AAAA", "not_sealed"), ("A" * 2000, "too_long"), ("", "too_short")],
)
def test_what_is_sealed_is_a_sealed_box(value: str, code: str) -> None:
    assert codes_of("pin.verify", put("pin_sealed", value)) == {"pin_sealed": code}


@pytest.mark.parametrize("key", ["AAAA", "A" * 43 + "=", "!" * 44])
def test_a_reply_is_sealed_only_to_a_key_that_can_be_sealed_to(key: str) -> None:
    """The key of all zeros is of 32 bytes, but hides nothing from anybody."""
    assert set(codes_of("pin.activate", put("reply_key", key)).values()) <= {"not_a_public_key", "not_base64"}


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        (put("signed_form.media_type", "text/html"), "signed_form.media_type", "not_one_of"),
        (put("signed_form.sha256", "abc"), "signed_form.sha256", "wrong_format"),
        (put("signed_form.uri", "no uri"), "signed_form.uri", "wrong_format"),
        (put("signed_form.size", 10**9), "signed_form.size", "out_of_range"),
        (put("request_id", "7"), "request_id", "not_a_uuid"),
    ],
)
def test_documents_travel_by_plausible_reference(change: Change, field: str, code: str) -> None:
    """R24."""
    assert codes_of("dispositivo.submit_documents", change) == {field: code}


@pytest.mark.parametrize("limit", [0, 101, 10**30, "20", 1.0, True, None])
def test_a_review_asks_for_one_to_a_hundred_requests(limit: object) -> None:
    """R25."""
    assert codes_of("dispositivo.review_queue", put("limit", limit))["limit"] in {
        "out_of_range",
        "wrong_type",
    }


def test_only_operators_vouch_for_a_citizen() -> None:
    """R8."""
    plain = read("pin.request", changed("pin.request"))
    vouched = read("pin.request", changed("pin.request", put("recognition", RECOGNITION)))
    assert plain.forbidden_for("portal") is None
    assert vouched.forbidden_for("operator") is None
    assert [bool(plain.forbidden_for("operator")), bool(vouched.forbidden_for("portal"))] == [True, True]


@pytest.mark.parametrize(
    ("kind", "role", "other"),
    [("de_visu", "branch", "contact_centre"), ("signed_request", "contact_centre", "branch")],
)
def test_a_branch_recognises_in_person_and_the_contact_centre_by_a_signed_request(
    kind: str, role: str, other: str
) -> None:
    """R8."""
    vouched = read("pin.request", changed("pin.request", put("recognition", {**RECOGNITION, "kind": kind})))
    assert [bool(vouched.forbidden_for(sender)) for sender in (role, "operator", other, "portal")] == [
        *(False, False),
        *(True, True),
    ]
    plain = read("pin.request", changed("pin.request"))
    assert [bool(plain.forbidden_for(sender)) for sender in ("branch", "contact_centre")] == [True, True]


def test_a_fax_names_its_operator_and_an_upload_names_none() -> None:
    """R24, R25."""
    operator = put("operator", RECOGNITION["operator"])
    fax = read(
        "dispositivo.submit_documents",
        changed("dispositivo.submit_documents", put("via", "fax"), operator),
    )
    assert [bool(fax.forbidden_for(role)) for role in ("operator", "contact_centre", "branch", "portal")] == [
        *(False, False),
        *(True, True),
    ]
    online = read("dispositivo.submit_documents", changed("dispositivo.submit_documents", operator))
    assert online.forbidden_for("portal")


@pytest.mark.parametrize("seen", ["", "a" * 65, "ä", "a b", 7, None])
def test_what_was_seen_is_an_opaque_word(seen: object) -> None:
    """R25, R26; null is left out."""
    given = changed("dispositivo.approve", put("seen", seen))
    assert (seen is None and read("dispositivo.approve", given)) or codes_of(
        "dispositivo.approve", put("seen", seen)
    )


def test_portals_submit_uploads_and_operators_faxes() -> None:
    """R24, R25."""
    online = read("dispositivo.submit_documents", changed("dispositivo.submit_documents"))
    fax = read("dispositivo.submit_documents", changed("dispositivo.submit_documents", put("via", "fax")))
    assert online.forbidden_for("portal") is None
    assert fax.forbidden_for("operator") is None
    assert [bool(online.forbidden_for("operator")), bool(fax.forbidden_for("portal"))] == [True, True]


@pytest.mark.parametrize(
    ("sender", "types"),
    [
        ("registry", {"registry.update"}),
        ("gateway", {"delivery.receipt"}),
        ("supervisor", {"delivery.timeline"}),
        ("nobody", set()),
        (
            "operator",
            {
                "pin.request",
                "citizen.erase",
                "revoke.by_contact_centre",
                "dispositivo.submit_documents",
                "dispositivo.review_queue",
                "dispositivo.approve",
                "dispositivo.cancel",
                "branch.lookup",
                "branch.activate",
            },
        ),
        (
            "contact_centre",
            {
                "pin.request",
                "citizen.erase",
                "revoke.by_contact_centre",
                "dispositivo.submit_documents",
                "dispositivo.review_queue",
                "dispositivo.approve",
                "dispositivo.cancel",
            },
        ),
        ("branch", {"pin.request", "branch.lookup", "branch.activate"}),
    ],
)
def test_each_role_may_send_its_own_commands_and_no_others(sender: str, types: set[str]) -> None:
    assert {type_ for type_, command in COMMANDS.items() if sender in command.senders} == types
