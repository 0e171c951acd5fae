"""Whatever text comes, the validation answers: it never raises and never repeats what was written."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.errors import Fault
from shared.italy import codice_fiscale as cf
from shared.italy.birthplaces import disagreements, faults_of_birthplace
from shared.italy.mailboxes import deliverable, fault_of_mailbox
from shared.italy.names import fault_of_name, letters_of_name, letters_of_surname
from shared.italy.phones import fault_of_mobile, fault_of_phone
from shared.italy.residence import faults_abroad, faults_in_italy

TEXT = st.text(st.characters(), max_size=40)


@settings(max_examples=600, deadline=None)
@given(TEXT, TEXT)
@example("\ud800", "\udfff@\ud800.it")
@example("a@xn--\x80.it", "xn--a@xn--a.xn--a")
@example("\u0130", "\ufdfa")
def test_any_text_is_answered(one: str, other: str) -> None:
    found = [
        fault_of_name("f", one),
        fault_of_mailbox("f", one),
        fault_of_mailbox("f", f"{one}@{other}.it"),
        fault_of_phone("f", one),
        fault_of_mobile("f", f"+{one}"),
        *faults_of_birthplace(one, other, 1980),
        *faults_of_birthplace("EE", other, 1980),
        *disagreements("H501", one, other, 1980),
        *faults_in_italy(one, other, one, other, one),
        *faults_abroad(one, [other, one], one, other),
    ]
    assert all(isinstance(fault, Fault) for fault in found if fault)
    assert cf.why_not(one)[1]
    assert all(len(letters) == 3 for letters in (*letters_of_surname(one), *letters_of_name(other)))
    if fault_of_mailbox("f", f"{one}@{other}.it") is None:
        assert deliverable(f"{one}@{other}.it").isascii()


@given(st.text(st.characters(categories=["L", "M"]), min_size=1, max_size=40))
def test_what_is_accepted_as_a_name_gives_letters(name: str) -> None:
    if fault_of_name("surname", name) is None:
        assert all(letters.isascii() and letters.isupper() for letters in letters_of_surname(name))
