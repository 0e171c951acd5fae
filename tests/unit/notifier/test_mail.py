import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.channels.mail import Composer, as_html
from services.notifier.settings import Receipt
from shared.contract.delivery import Language, Mail
from shared.crypto.secret import Secret
from shared.errors import AddressError

ID = UUID("811340f3-5965-4696-975e-1cb7302addf3")
CREATED = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
HALF = "7K2MABCD"
LIKE_A_HALF = re.compile(
    r"(?<![0-9A-Z])(?=[A-Z]*[0-9])[0-9ABCDEFGHJKMNPQRSTVWXYZ]{8}(?![0-9A-Z])", re.IGNORECASE
)
TEXT = f"""Gentile Niccolò D'Amico,

la prima parte del suo PIN, che è fatto di sedici caratteri in tutto, è {HALF} e va tenuta.

{HALF}

Continui su https://portale.example.it/restore/confirm?token=a%3D1&b=2. A < B & C > D.
Spazi in fondo:{"  "}
"""


def composed(
    text: str = TEXT,
    to: str = "niccolo@example.it",
    subject: str = "Il suo PIN: prima metà",
    language: Language = "it",
    receipt: Receipt | None = None,
) -> bytes:
    composer = Composer("Servizio PIN – Città <pin@example.it>", receipt)
    return composer.compose(ID, CREATED, Mail(to, subject, Secret(text), language))[1]


def read_back(message: bytes) -> EmailMessage:
    parsed = message_from_bytes(message, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    return parsed


def parts(message: bytes) -> tuple[str, str]:
    plain, html = read_back(message).iter_parts()
    return plain.get_content().replace("\r\n", "\n"), html.get_content()


def test_a_mail_says_what_it_is() -> None:
    parsed = read_back(composed())
    assert dict(parsed.items()) == {
        "To": "niccolo@example.it",
        "Subject": "Il suo PIN: prima metà",
        "Date": "Sun, 01 Mar 2026 12:30:00 +0000",
        "Message-ID": f"<{ID.hex}@example.it>",
        "From": "Servizio PIN – Città <pin@example.it>",
        "Auto-Submitted": "auto-generated",
        "Content-Language": "it",
        "MIME-Version": "1.0",
        "Content-Type": 'multipart/alternative; boundary="=_part_="',
    }


def test_the_same_delivery_makes_the_same_bytes() -> None:
    assert composed() == composed()


@pytest.mark.parametrize("language", ["it", "de"])
def test_a_mail_names_its_language(language: Language) -> None:
    """R33."""
    message = composed(language=language)
    assert read_back(message)["Content-Language"] == language
    assert f'<html lang="{language}">' in parts(message)[1]


def test_a_pec_asks_for_the_receipt_that_does_not_return_its_text() -> None:
    assert read_back(composed(receipt="sintetica"))["X-TipoRicevuta"] == "sintetica"
    assert "X-TipoRicevuta" not in read_back(composed())


def test_the_plain_text_arrives_as_written() -> None:
    assert parts(composed())[0] == TEXT


def test_the_half_is_one_word_in_both_parts_even_undecoded() -> None:
    """R5."""
    message = composed()
    assert message.count(HALF.encode()) == 4
    assert all(part.count(HALF) == 2 for part in parts(message))


def test_nothing_else_in_a_mail_looks_like_a_half() -> None:
    message = composed()
    assert set(LIKE_A_HALF.findall(message.decode())) == {HALF}
    assert {found for part in parts(message) for found in LIKE_A_HALF.findall(part)} == {HALF}


@given(st.integers(0, 200), st.text("aà =", max_size=120))
def test_no_line_end_falls_within_a_half_wherever_it_stands(before: int, around: str) -> None:
    message = composed(f"{'è ' * before}{around} {HALF} {around}\n{'a' * before} {HALF}")
    assert message.count(HALF.encode()) == 4


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")))
def test_whatever_is_written_is_read_back_the_same_on_lines_of_76(text: str) -> None:
    message = composed(text)
    assert message.isascii()
    assert all(len(line) <= 76 for line in message.split(b"\r\n"))
    assert b"\n" not in message.replace(b"\r\n", b"")
    assert parts(message)[0] == text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_subject_can_make_a_header_or_a_body(subject: str) -> None:
    parsed = read_back(composed(subject=f"x{subject}"))
    assert len(parsed.items()) == 9
    assert parsed["Bcc"] is None


def test_a_line_end_in_a_subject_is_a_space() -> None:
    assert (
        read_back(composed(subject="Il PIN\r\nBcc: all@example.it"))["Subject"]
        == "Il PIN Bcc: all@example.it"
    )


@pytest.mark.parametrize(
    "address",
    [
        "a@example.it\r\nBcc: b@example.it",
        "a@example.it\n",
        "a b@example.it",
        "a@example.it>",
        "a@example.it, b@example.it",
        '"a b"@example.it',
        "ànna@example.it",
        "nobody",
        "",
    ],
)
def test_what_is_not_one_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(AddressError) as caught:
        composed(to=address)
    assert not address or address not in str(caught.value)


def test_the_domain_of_an_address_may_be_of_any_script() -> None:
    to, message = Composer("pin@example.it").compose(
        ID, CREATED, Mail("anna@città.it", "PIN", Secret("x"), "it")
    )
    assert to == read_back(message)["To"] == "anna@xn--citt-3na.it"


def test_the_html_has_paragraphs_the_link_and_a_large_half() -> None:
    link = Secret("https://x.it/?a=1&b=2")
    assert as_html(f"Gentile A & B,\r\nsalve\n\n{HALF}\n\nVai su https://x.it/?a=1&b=2.", link) == (
        "<p>Gentile A &amp; B,<br>\nsalve</p>\n"
        f'<p class="word">{HALF}</p>\n'
        '<p>Vai su <a href="https://x.it/?a=1&amp;b=2">https://x.it/?a=1&amp;b=2</a>.</p>'
    )


@pytest.mark.parametrize(
    "bait",
    ["https://truffa.example", "https://x.it/", "https://x.it/?a=1&b=20", "http://x.it/?a=1&b=2", "www.x.it"],
)
def test_only_the_link_that_we_made_is_a_link(bait: str) -> None:
    """What others wrote stays text, even where it begins with the portal's own address or with the link."""
    text = f"Servizio: {bait}\n\nhttps://x.it/?a=1&b=2\n"
    assert as_html(text).count("<a ") == 0
    assert as_html(text, Secret("https://x.it/?a=1&b=2")).count("<a ") == 1


@given(st.text(), st.none() | st.just(Secret("https://x.it/c?token=1&b=2")))
def test_no_text_can_bring_its_own_html(text: str, link: Secret | None) -> None:
    html = as_html(f"{text}\n\nhttps://x.it/c?token=1&b=2", link)
    written = re.sub(r'</?p>|<p class="word">|<br>|<a href="https://x.it/c\?token=1&amp;b=2">|</a>', "", html)
    assert html.count("<a ") == (link is not None)
    assert "<" not in written
    assert ">" not in written
