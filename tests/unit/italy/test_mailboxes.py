"""Mailboxes: what mail can be sent to, and the form of it that SMTP takes."""

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.italy.mailboxes import deliverable, fault_of_mailbox, mailbox_of, same_mailbox


def accepted(value: str) -> bool:
    return fault_of_mailbox("email", value) is None


@pytest.mark.parametrize(
    "value",
    [
        "anna@example.it", "anna.rossi+pin@posta.example.it", "a_b-c@example.com", "a@x.test",
        "O'Neil@example.ie",
        "ANNA@Example.IT", "1@1.it", "a@sub.sub.sub.example.org", "nome.cognome@pec.it", "anna@città.it",
        "anna@xn--citt-3na.it", "anna@münchen.de", "anna@почта.рф", "a" * 64 + "@example.it",
    ],
)  # fmt: skip
def test_addresses_that_exist_are_accepted(value: str) -> None:
    assert accepted(value)


@pytest.mark.parametrize(
    "value",
    [
        "", "anna", "anna@", "@example.it", "anna@example", "anna@@example.it", "anna..rossi@example.it",
        ".anna@example.it", "anna.@example.it", "anna@example..it", "anna@-example.it", "anna@example-.it",
        "anna rossi@example.it", "anna@exa mple.it", "anna@example.it\n", "anna@example.it,b@example.it",
        "Anna <anna@example.it>", "anna@[127.0.0.1]", "anna@localhost", "anna@printer.local",
        "anna@example.123",
        "à@example.it", "a" * 65 + "@example.it", "a@" + "b" * 64 + ".it", "a@" + "b." * 130 + "it",
        "a\x00@example.it",
    ],
)  # fmt: skip
def test_what_no_server_takes_is_refused(value: str) -> None:
    fault = fault_of_mailbox("contacts.email", value)
    assert fault is not None
    assert (fault.field, fault.code) == ("contacts.email", "invalid_address")


@pytest.mark.parametrize(
    ("value", "sent_to"),
    [
        ("anna@example.it", "anna@example.it"),
        ("anna@città.it", "anna@xn--citt-3na.it"),
        ("Anna@MÜNCHEN.de", "Anna@xn--mnchen-3ya.de"),
    ],
)
def test_mail_goes_to_the_domain_in_ascii(value: str, sent_to: str) -> None:
    assert deliverable(value) == sent_to


def test_nothing_is_sent_to_what_is_no_address() -> None:
    with pytest.raises(EmailNotValidError):
        deliverable("anna@")


ADDRESSES = st.from_regex(r"\A[a-z0-9._+-]{1,8}@[a-z0-9.-]{1,12}\.[a-z]{1,6}\Z") | st.emails()


@settings(max_examples=1000, deadline=None)
@given(ADDRESSES)
@example("a@xn--a.it")
@example("a@ab--c.it")
@example("a@x.onion")
def test_the_fast_path_agrees_with_the_library(value: str) -> None:
    try:
        validate_email(
            value, check_deliverability=False, allow_smtputf8=False, strict=True, test_environment=True
        )
    except EmailNotValidError:
        assert not accepted(value)
    else:
        assert accepted(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna.Rossi@Example.it", "anna.rossi@example.it"),
        ("anna@città.it", "anna@xn--citt-3na.it"),
        ("anna.rossi@gmail.com", "annarossi@gmail.com"),
        ("a.n.n.a+x.y@gmail.com", "anna@googlemail.com"),
        ("anna+pin@outlook.com", "anna@outlook.com"),
        ("anna+pin@hotmail.it", "anna@HOTMAIL.it"),
        ("anna+1@icloud.com", "anna@me.com"),
        ("anna+1@protonmail.com", "anna@proton.me"),
    ],
)
def test_addresses_that_surely_lead_to_one_mailbox_are_the_same(one: str, other: str) -> None:
    """R13, R15."""
    assert same_mailbox(one, other)
    assert same_mailbox(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anna@example.it", "anna@example.com"),
        ("anna@example.it", "anna+pin@example.it"),
        ("anna.rossi@example.it", "annarossi@example.it"),
        ("anna+a@pec.it", "anna@pec.it"),
        ("anna.rossi@outlook.com", "annarossi@outlook.com"),
        ("anna@outlook.com", "anna@hotmail.com"),
        ("+anna@gmail.com", "+maria@gmail.com"),
        ("anna@gmail.com", "anna@gmail.it"),
        ("anna@pec.example.com", "anna@example.com"),
    ],
)
def test_what_may_be_two_people_s_is_not_the_same(one: str, other: str) -> None:
    assert not same_mailbox(one, other)


@given(
    st.from_regex(
        r"[a-z0-9]{1,8}([.+-][a-z0-9]{1,8}){0,3}@(gmail\.com|me\.com|pm\.me|example\.it)", fullmatch=True
    )
)
def test_the_mailbox_of_a_mailbox_is_itself(address: str) -> None:
    """So that `same` is one thing for all: who is the same as a third is the same as each other."""
    assert mailbox_of(mailbox_of(address)) == mailbox_of(address)
    assert same_mailbox(address, address.upper())
