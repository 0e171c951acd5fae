import json
from datetime import date

import pytest

from shared.contract.delivery import Content, Mail, Post, Sms, from_bytes, to_bytes
from shared.crypto.secret import Secret
from shared.errors import UnreadableDeliveryError

CONTENTS: list[Content] = [
    Sms("+393331234567", Secret("PIN: ABCD2345")),
    Mail("anna@example.it", "Il PIN: metà", Secret("Ecco: ABCD2345"), "de"),
    Mail("anna@example.it", "Il PIN", Secret("Apra"), "it", Secret("https://example.it/ABCD2345")),
    Post(
        ("VIA ROMA 1", "00184 ROMA RM"),
        "ANNA ROSSI",
        "it",
        Secret("ABCD2345"),
        date(2026, 4, 1),
        date(2026, 3, 1),
    ),
]


@pytest.mark.parametrize("content", CONTENTS)
def test_a_content_comes_back_as_it_was(content: Content) -> None:
    assert from_bytes(to_bytes(content)) == content


def test_a_mail_without_a_link_reads_as_it_did_before_there_were_any() -> None:
    """Workers of two versions run side by side while they are replaced."""
    assert from_bytes(b'["mail","anna@example.it","x","y","it"]') == Mail(
        "anna@example.it", "x", Secret("y"), "it"
    )
    assert len(json.loads(to_bytes(Mail("anna@example.it", "x", Secret("y"), "it")))) == 5


@pytest.mark.parametrize("content", CONTENTS)
def test_the_text_form_of_a_content_tells_nothing_of_the_citizen(content: Content) -> None:
    for told in ("333", "anna", "ANNA", "ROMA", "ABCD2345"):
        assert told not in repr(content)


@pytest.mark.parametrize(
    "unreadable",
    [
        None,
        [],
        {},
        7,
        ["fax", "1"],
        ["sms", "+39"],
        ["sms", 1, "x"],
        [["sms"], "+39", "x"],
        ["sms", "+39", "x", "x"],
        ["mail", "a@b.it", "x", "x", "fr"],
        ["mail", "a@b.it", "x", "x", "it", 7],
        ["post", [1], "x", "it", "x", "2026-01-01", "2026-01-01"],
        ["post", ["x"], "x", "it", "x", "2026-13-01", "2026-01-01"],
    ],
)
def test_what_is_no_content_is_unreadable_and_not_repeated(unreadable: object) -> None:
    with pytest.raises(UnreadableDeliveryError, match=r"^not the contents of a delivery$"):
        from_bytes(json.dumps(unreadable).encode())


def test_what_is_no_json_is_unreadable() -> None:
    with pytest.raises(UnreadableDeliveryError):
        from_bytes(b"\xff\x00")
