"""The texts to the citizen: complete, safe and short enough, in Italian and German (R33)."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from shared.italy.dates import day, instant
from shared.texts import sms_length
from shared.texts.catalogue import LANGUAGES, Texts

SERVICES = Path(__file__).parents[2] / "services"
DOCUMENT = Path(__file__).parents[2] / "docs" / "texts.md"
HALF = "7K3M9PQX"
AT = datetime(2026, 11, 22, 13, 30, tzinfo=UTC)
TOKEN = "b0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5"

PERSON = {"citizen"}
SMS = {
    "issuer": {
        "first_half": {"half"},
        "pin_exists": set(),
        "contacts_changed": set(),
        "contacts_cooling": {"until"},
        "pin_locked": {"until"},
        "pin_blocked": set(),
        "pin_revoked_undeliverable": set(),
        "pin_erased": set(),
        "pin_expired": set(),
        "restore_ended": set(),
    },
    "revoker": {
        "restore_half": {"half", "part"},
        "revoke_warning": set(),
        "pin_revoked": set(),
        "contacts_undone": set(),
    },
    "dispositivo": {},
}
MAIL = {
    "issuer": {
        "first_half": PERSON | {"half", "expires_on"},
        "pin_exists": PERSON,
        "contacts_changed": PERSON | {"changed"},
        "contacts_cooling": PERSON | {"changed", "until"},
        "pin_locked": PERSON | {"until"},
        "pin_blocked": PERSON,
        "pin_revoked_undeliverable": PERSON,
        "pin_erased": PERSON,
        "pin_expired": PERSON,
        "restore_ended": PERSON,
    },
    "revoker": {
        "restore_link": PERSON | {"link", "valid_until"},
        "restore_half": PERSON | {"half", "part", "expires_on"},
        "revoke_link": {"link", "valid_until"},
        "revoke_warning": PERSON,
        "pin_revoked": PERSON,
        "contacts_undone": PERSON,
    },
    "dispositivo": {
        "request_open": PERSON,
        "approved": PERSON | {"effective_at"},
        "activated": PERSON,
        "cancelled": PERSON | {"reason"},
        "istanza_suspended": PERSON | {"protocol", "service"},
        "istanze_suspended": PERSON | {"protocols"},
        "istanza_released": PERSON | {"protocols"},
    },
}
NOTICE = {"dispositivo": {"istanza_suspended": set[str]()}}
WORDS = {
    "issuer": {"home_phone", "mobile", "email", "pec"},
    "revoker": {"first", "second"},
    "dispositivo": {"incomplete", "illegible", "mismatch"},
}

TEXTS = {worker: Texts(SERVICES / worker / "templates") for worker in MAIL}
ALL_SMS = [(worker, name, language) for worker in SMS for name in SMS[worker] for language in LANGUAGES]
_NUMBER = re.compile(r"(?<![\d/])0?[68](?:[^\w\n]?[0-9])+(?<=164)")

ALL_MAILS = [(worker, name, language) for worker in MAIL for name in MAIL[worker] for language in LANGUAGES]


def values(names: set[str], worker: str, language: str) -> dict[str, str]:
    """Realistic values, as long as they come."""
    longest_part = max((TEXTS["revoker"].word(part, language) for part in ("first", "second")), key=len)
    known = {
        "half": HALF,
        "part": longest_part,
        "until": instant(AT, language),
        "valid_until": instant(AT, language),
        "effective_at": instant(AT, language),
        "expires_on": day(date(2027, 1, 21), language),
        "citizen": "Maria Addolorata Dell'Acqua Oberkofler",
        "changed": ", ".join(TEXTS[worker].word(word, language) for word in sorted(WORDS[worker])),
        "link": f"https://portale.example.it/restore/confirm?token={TOKEN}",
        "reason": TEXTS["dispositivo"].word("mismatch", language),
        "service": "Assegno unico e universale",
        "protocol": "2026.0000000001",
        "protocols": "2026.0000000001, 2026.0000000002",
    }
    return {name: known[name] for name in names}


def sms(worker: str, name: str, language: str) -> str:
    return TEXTS[worker].sms(name, language, **values(SMS[worker][name], worker, language))


def mail(worker: str, name: str, language: str) -> tuple[str, str]:
    written = TEXTS[worker].mail(name, language, **values(MAIL[worker][name], worker, language))
    return written.subject, written.text


def words_like_a_half(text: str) -> list[str]:
    """Found by splitting, where the templates' own check is a pattern: neither vouches for itself."""
    alphabet = set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    return [
        word
        for word in re.findall("[0-9A-Z]+", text.upper())
        if len(word) == 8 and set(word) <= alphabet and re.search("[0-9]", word)
    ]


@pytest.mark.parametrize("worker", MAIL)
def test_every_file_of_a_worker_is_one_of_the_texts_its_citizens_get(worker: str) -> None:
    expected = {f"{name}.sms.txt" for name in SMS[worker]} | {f"{name}.mail.txt" for name in MAIL[worker]}
    expected |= {f"{name}.notice.txt" for name in NOTICE.get(worker, {})} | {"words.txt"}
    for language in LANGUAGES:
        folder = SERVICES / worker / "templates" / language
        assert {path.name for path in folder.iterdir()} == expected


@pytest.mark.parametrize("worker", WORDS)
def test_every_word_exists_in_both_languages(worker: str) -> None:
    assert all(TEXTS[worker].word(word, language) for word in WORDS[worker] for language in LANGUAGES)


@pytest.mark.parametrize(("worker", "name", "language"), ALL_SMS)
def test_an_sms_is_one_gsm7_segment_without_a_link(worker: str, name: str, language: str) -> None:
    text = sms(worker, name, language)
    assert not sms_length.beyond_gsm7(text)
    assert sms_length.units(text) <= 160
    assert "://" not in text
    assert "{" not in text


@pytest.mark.parametrize(("worker", "name", "language"), ALL_SMS)
def test_in_an_sms_the_half_alone_looks_like_a_half(worker: str, name: str, language: str) -> None:
    """R5, R15: a half is one word, and whoever looks for it finds nothing else."""
    assert words_like_a_half(sms(worker, name, language)) == [HALF] * ("half" in SMS[worker][name])


@pytest.mark.parametrize(("worker", "name", "language"), ALL_MAILS)
def test_in_a_mail_the_half_alone_looks_like_a_half(worker: str, name: str, language: str) -> None:
    """R5, R15: as in an SMS; the half stands on a line of its own."""
    subject, body = mail(worker, name, language)
    assert words_like_a_half(subject) == []
    assert words_like_a_half(body) == [HALF] * ("half" in MAIL[worker][name])
    assert (f"\n\n{HALF}\n\n" in body) == ("half" in MAIL[worker][name])


@pytest.mark.parametrize(("worker", "name", "language"), ALL_MAILS)
def test_a_mail_greets_says_whom_to_call_and_is_signed(worker: str, name: str, language: str) -> None:
    _, body = mail(worker, name, language)
    greeting, signature = {
        "it": ("Gentile ", "Cordiali saluti\n\nIstituto Nazionale della Previdenza Sociale\n"),
        "de": (
            "Sehr geehrte",
            "Mit freundlichen Grüßen\n\nNationales Institut für Soziale Fürsorge (NISF/INPS)\n",
        ),
    }[language]
    assert body.startswith(greeting)
    assert "803.164" in body
    assert "06.164.164" in body
    assert body.endswith(signature)


@pytest.mark.parametrize(("worker", "name", "language"), ALL_MAILS)
def test_a_subject_fits_one_header_line_and_names_nobody(worker: str, name: str, language: str) -> None:
    subject, _ = mail(worker, name, language)
    assert 0 < len(subject) <= 78
    assert "\n" not in subject
    assert "Oberkofler" not in subject


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_link_stands_alone_on_its_line(language: str) -> None:
    """R14, R20."""
    for name in ("restore_link", "revoke_link"):
        _, body = mail("revoker", name, language)
        assert f"\n\nhttps://portale.example.it/restore/confirm?token={TOKEN}\n\n" in body


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_suspended_istanza_has_a_notice_for_the_portal(language: str) -> None:
    """R31."""
    assert "dispositiv" in TEXTS["dispositivo"].notice("istanza_suspended", language)


def test_the_document_for_editors_lists_every_text() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    names = {name for table in (SMS, MAIL, NOTICE) for texts in table.values() for name in texts}
    assert [name for name in sorted(names) if f"`{name}`" not in document] == []


def test_every_text_letter_and_form_writes_telephone_numbers_in_one_way() -> None:
    services = Path(__file__).parents[2] / "services"
    sources = [*services.glob("*/templates/*/*.txt"), *services.glob("**/*.typ")]
    written = {number for source in sources for number in _NUMBER.findall(source.read_text(encoding="utf-8"))}
    assert written == {"803.164", "06.164.164", "800.803.164"}
