"""Reading a message: the command it says, or every fault at once."""

import pytest

from shared.contract.command import InternalCommand
from shared.contract.examples import COMMAND_EXAMPLES
from shared.contract.internal import Expire
from shared.contract.issuer import PinRequest
from shared.contract.message import COMMANDS, read
from shared.contract.parts import ResidenceAbroad, ResidenceInItaly
from shared.errors import InvalidMessageError
from tests.unit.contract.building import body_of, changed, codes_of, drop, faults_of, put

SUBJECT = "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab"


DOCUMENT_BACKWARDS = {
    "kind": "passport",
    "number": "YA1234567",
    "issued_by": "Questura di Pisa",
    "issued_on": "2020-01-01",
    "expires_on": "2019-12-31",
}


@pytest.mark.parametrize("type_", COMMAND_EXAMPLES)
def test_the_good_example_of_each_command_is_read_as_that_command(type_: str) -> None:
    assert isinstance(read(type_, body_of(COMMAND_EXAMPLES[type_])), COMMANDS[type_])


@pytest.mark.parametrize("type_", COMMAND_EXAMPLES)
def test_a_command_that_is_written_is_read_back_the_same(type_: str) -> None:
    command = read(type_, body_of(COMMAND_EXAMPLES[type_]))
    assert read(type_, command.model_dump_json().encode()) == command


def test_every_published_command_has_an_example() -> None:
    internal = {type_ for type_, command in COMMANDS.items() if issubclass(command, InternalCommand)}
    assert set(COMMAND_EXAMPLES) == set(COMMANDS) - internal


def test_an_internal_command_names_the_citizen_by_pseudonym_alone() -> None:
    pin_id = "5b8f6a0e-3c52-4c8e-8d5e-0f7a1c2b3d4e"
    command = read("internal.issuer.expire", body_of({"subject": SUBJECT, "pin_id": pin_id}))
    assert isinstance(command, Expire)
    assert (command.subject, str(command.pin_id)) == (SUBJECT, pin_id)
    assert command.forbidden_for("revoker") is None
    assert command.forbidden_for("notifier")
    assert command.forbidden_for("portal")


def test_a_codice_fiscale_is_read_in_its_canonical_form() -> None:
    command = read("pin.request", changed("pin.request", put("codice_fiscale", " rssmra85t10a562s ")))
    assert isinstance(command, PinRequest)
    assert command.codice_fiscale == "RSSMRA85T10A562S"


def test_a_language_that_is_not_given_is_italian() -> None:
    command = read("pin.request", changed("pin.request", drop("language")))
    assert isinstance(command, PinRequest)
    assert command.language == "it"


def test_residences_at_home_and_abroad_are_told_apart_by_their_country() -> None:
    abroad = {
        "country": "DE",
        "lines": ["Unter den Linden 5"],
        "municipality": "Berlin",
        "postal_code": "10117",
    }
    home = read("pin.request", body_of(COMMAND_EXAMPLES["pin.request"]))
    away = read("pin.request", changed("pin.request", put("residence", abroad)))
    assert isinstance(home, PinRequest)
    assert isinstance(home.residence, ResidenceInItaly)
    assert isinstance(away, PinRequest)
    assert isinstance(away.residence, ResidenceAbroad)
    assert [PinRequest(**dict(home)), PinRequest(**dict(away))] == [home, away]


@pytest.mark.parametrize(
    ("country", "others", "told"),
    [
        ("AE", {}, {}),
        ("HK", {}, {}),
        ("AE", {"postal_code": ""}, {}),
        ("DE", {"postal_code": ""}, {}),
        ("DE", {}, {"residence.postal_code": "missing"}),
        ("DE", {"floor": 3}, {"residence.postal_code": "missing", "residence.floor": "unknown_field"}),
        ("AE", {"floor": 3}, {"residence.floor": "unknown_field"}),
    ],
)
def test_a_postal_code_may_be_left_out_where_no_address_has_one(
    country: str, others: dict[str, object], told: dict[str, str]
) -> None:
    abroad = {"country": country, "lines": ["PO Box 77"], "municipality": "Sharjah"} | others
    if told:
        assert codes_of("pin.request", put("residence", abroad)) == told
    else:
        away = read("pin.request", changed("pin.request", put("residence", abroad)))
        assert isinstance(away, PinRequest)
        assert away.residence.postal_code == ""


def test_a_birth_place_that_would_not_print_on_the_form_is_refused() -> None:
    place = COMMAND_EXAMPLES["pin.request"]["birth_place"]
    assert codes_of("pin.request", put("birth_place", f"{place} (東京)")) == {"birth_place": "unprintable"}


def test_every_fault_is_told_at_once_each_with_its_path_and_code() -> None:
    """Structure, single fields and comparisons between fields, in one reply."""
    assert codes_of(
        "pin.request",
        put("surname", "Bianchi"),
        put("name", 5),
        put("birth_date", "1985-12-11"),
        put("sex", "X"),
        put("birth_place", "line\nbreak"),
        put("residence.street", ""),
        put("residence.number", "1" * 65),
        put("residence.postal_code", "20121"),
        put("residence.floor", 3),
        put("contacts", {"mobile": "333 1234567"}),
        drop("preferred_time"),
        put("language", "fr"),
        put("recognition", {"kind": "de_visu", "operator": {"id": "7"}, "document": DOCUMENT_BACKWARDS}),
        put("unheard_of", None),
    ) == {
        "surname": "disagrees_with_codice_fiscale",
        "name": "wrong_type",
        "birth_date": "disagrees_with_codice_fiscale",
        "sex": "not_one_of",
        "birth_place": "control_character",
        "residence.street": "too_short",
        "residence.number": "too_long",
        "residence.postal_code": "not_of_municipality",
        "residence.floor": "unknown_field",
        "contacts.mobile": "not_e164",
        "contacts": "no_mailbox",
        "preferred_time": "missing",
        "language": "not_one_of",
        "recognition.operator.office": "missing",
        "recognition.document.expires_on": "before_issue",
        "unheard_of": "unknown_field",
    }


def test_a_fault_never_repeats_the_value() -> None:
    told = faults_of(
        "pin.request",
        put("codice_fiscale", "CANARY85T10A562S"),
        put("contacts.email", "canary at example.com"),
        put("birth_date", "canary"),
        put("sex", "canary"),
        put("residence.postal_code", "canary"),
        put("canary <script>", 1),
    )
    assert len(told) == 6
    assert "canary" not in repr(told).lower()


def test_a_command_shows_no_personal_data_when_printed() -> None:
    command = read("pin.request", body_of(COMMAND_EXAMPLES["pin.request"]))
    assert "Rossi" not in f"{command!r} {command}"


def test_at_most_fifty_faults_are_told() -> None:
    assert len(faults_of("pin.request", *(put(f"extra{number}", 1) for number in range(500)))) == 50
    assert codes_of("pin.request", *(put(f"e{number}", 1) for number in range(2000))) == {
        "": "too_many_faults"
    }


def test_a_rejected_message_tells_which_command_was_meant_and_not_whom_it_was_about() -> None:
    """Its sender could have any citizen's pseudonym told."""
    with pytest.raises(InvalidMessageError) as refused:
        read("pin.request", b'{"codice_fiscale": "rssmra85t10a562s"}')
    assert refused.value.command is PinRequest
    assert "RSSMRA85T10A562S" not in repr(vars(refused.value))
