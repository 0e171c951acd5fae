"""What a file of texts may contain, and how it is filled."""

from pathlib import Path

import pytest

from shared.errors import TemplateError, TemplateValuesError
from shared.texts import sms_length
from shared.texts.catalogue import LANGUAGES, Texts, Written
from shared.texts.template import PLACEHOLDERS, one_segment, parsed

SUBJECT = {"it": "Oggetto", "de": "Betreff"}
DOCUMENT = Path(__file__).parents[2] / "docs" / "texts.md"


def folder_with(folder: Path, **files: str) -> Path:
    """The same files in both languages; `note_sms` is written as `note.sms.txt`."""
    for language in LANGUAGES:
        (folder / language).mkdir(parents=True)
        for name, content in files.items():
            stem, _, kind = name.rpartition("_")
            path = folder / language / (f"{stem}.{kind}.txt" if stem else f"{kind}.txt")
            path.write_text(content.replace("SUBJECT", SUBJECT[language]), encoding="utf-8")
    return folder


def test_a_value_is_put_in_literally() -> None:
    filled = parsed("note", "Gentile {citizen} {reason},").fill({"citizen": "{reason}", "reason": "%s{0}"})
    assert filled == "Gentile {reason} %s{0},"


@pytest.mark.parametrize("control", ["\n", "\r\n", "\x00", "\x1b", "\u2028", "\u202e", "\x85"])
def test_control_characters_in_a_value_become_spaces(control: str) -> None:
    filled = parsed("note", "{citizen}").fill({"citizen": f"Anna{control}Maria"})
    assert filled == f"Anna{' ' * len(control)}Maria"


def test_letters_of_any_language_in_a_value_are_kept() -> None:
    assert (
        parsed("note", "{citizen}").fill({"citizen": "Đặng Müller-Ćosić O’Neill"})
        == "Đặng Müller-Ćosić O’Neill"
    )


@pytest.mark.parametrize(
    ("written", "filled"),
    [
        ("https://www.premi.example/ora", "https www. premi. example/ora"),
        ("Scriva a premi@vinci.example.", "Scriva a premi@vinci. example."),
        ("t.me/premio", "t. me/premio"),
        ("premi。example", "premi。 example"),
        ("Pensione ai superstiti, art. 13 del D.P.R. 1/2026, n. 3.2", None),
    ],
)
def test_no_program_makes_a_link_of_a_value_that_is_free_text(written: str, filled: str | None) -> None:
    text = parsed("note", "Servizio: {service}")
    assert text.fill({"service": written}) == f"Servizio: {filled or written}"


def test_the_link_that_we_made_is_left_as_it_is() -> None:
    link = "https://portale.example.it/restore/confirm?token=ab.cd"
    assert parsed("note", "{link}").fill({"link": link}) == link


def test_a_missing_and_a_superfluous_value_are_both_named_and_not_repeated() -> None:
    with pytest.raises(TemplateValuesError) as caught:
        parsed("note.sms", "{half}").fill({"citizen": "Oberkofler"})
    assert str(caught.value) == "note.sms: missing ['half'], superfluous ['citizen']"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty"),
        ("{half", "brace"),
        ("{{half}}", "brace"),
        ("{half!r}", "brace"),
        ("{half.__class__}", "brace"),
        ("{pin}", r"unknown placeholders \['pin'\]"),
        ("chiami 06164164", "'06164164' looks like half a PIN"),
        ("Codice abcdef12.", "'abcdef12' looks like half a PIN"),
    ],
)
def test_a_fault_of_a_text_is_told_with_its_file(text: str, complaint: str) -> None:
    with pytest.raises(TemplateError, match=f"^note.mail.txt: .*{complaint}"):
        parsed("note.mail.txt", text)


@pytest.mark.parametrize(
    "text", ["2026.0000000001", "22/11/2026", "06.164.164", "abcdefgh", "codice01", "{half}"]
)
def test_what_cannot_be_taken_for_a_half_is_allowed(text: str) -> None:
    assert parsed("note", text).text == text


def test_an_sms_is_measured_with_its_longest_values() -> None:
    assert one_segment("note.sms", "x" * 152 + "{half}")
    with pytest.raises(TemplateError, match="up to 161 characters, but there is room for 160"):
        one_segment("note.sms", "x" * 153 + "{half}")


def test_an_sms_beyond_gsm7_has_room_for_70_and_the_characters_to_blame_are_named() -> None:
    assert one_segment("note.sms", "È" + "x" * 69)
    with pytest.raises(TemplateError, match=r"up to 71 characters.* room for 70, .* characters È"):
        one_segment("note.sms", "È" + "x" * 70)


@pytest.mark.parametrize("name", ["citizen", "service", "link"])
def test_an_sms_carries_no_personal_data_and_no_link(name: str) -> None:
    with pytest.raises(TemplateError, match=f"an SMS must not carry \\['{name}'\\]"):
        one_segment("note.sms", f"{{{name}}}")


def test_an_sms_is_one_line() -> None:
    with pytest.raises(TemplateError, match="one line"):
        one_segment("note.sms", "a\nb")


@pytest.mark.parametrize(
    ("text", "units"),
    [("àèéìòù", 6), ("ÄÖÜäöüß", 7), ("€[]", 6), ("È", 1), ("’ciao", 5), ("😀", 2), ("", 0)],
)
def test_an_sms_is_as_long_as_its_alphabet_makes_it(text: str, units: int) -> None:
    assert sms_length.units(text) == units


def test_a_folder_gives_its_texts_in_the_language_asked_for(tmp_path: Path) -> None:
    texts = Texts(
        folder_with(
            tmp_path / "t",
            note_sms="Codice {half}\n",
            note_mail="SUBJECT: Avviso\n\nGentile {citizen},\n\nsaluti\n",
            note_notice="In attesa.",
            words="mobile = cellulare\nemail = email\n",
        )
    )
    assert texts.sms("note", "it", half="7K3M9PQX") == "Codice 7K3M9PQX"
    assert texts.mail("note", "de", citizen="Anna") == Written("Avviso", "Gentile Anna,\n\nsaluti\n", "")
    assert texts.notice("note", "it") == "In attesa."
    assert texts.word("mobile", "de") == "cellulare"


def test_a_byte_order_mark_and_windows_line_ends_are_tolerated(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "t", note_mail="SUBJECT: Avviso\n\nCiao\n\nSaluti\n")
    path = folder / "it" / "note.mail.txt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert Texts(folder).mail("note", "it") == Written("Avviso", "Ciao\n\nSaluti\n", "")


@pytest.mark.parametrize(
    "mail", ["Avviso\n\nCiao", "SUBJECT: Avviso\nCiao", "SUBJECT: Avviso", "SUBJECT: \n\nCiao"]
)
def test_a_mail_without_subject_or_body_is_refused(tmp_path: Path, mail: str) -> None:
    with pytest.raises(TemplateError, match=r"note\.mail\.txt"):
        Texts(folder_with(tmp_path / "t", note_mail=mail))


def test_a_subject_has_no_placeholders(tmp_path: Path) -> None:
    """The subject of a mail names the matter, never a secret."""
    with pytest.raises(TemplateError, match="no placeholder may stand in a subject"):
        Texts(folder_with(tmp_path / "t", note_mail="SUBJECT: PIN {half}\n\nCiao"))


def test_a_text_that_one_language_lacks_is_refused(tmp_path: Path) -> None:
    """R33."""
    folder = folder_with(tmp_path / "t", note_sms="Ciao")
    (folder / "de" / "note.sms.txt").rename(folder / "de" / "nota.sms.txt")
    with pytest.raises(TemplateError, match=r"not in every language: \['nota.sms', 'note.sms'\]"):
        Texts(folder)


def test_a_placeholder_that_one_language_lacks_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "t", note_sms="Ciao {half}")
    (folder / "de" / "note.sms.txt").write_text("Hallo", encoding="utf-8")
    with pytest.raises(TemplateError, match=r"note\.sms has not in every language: \['half'\]"):
        Texts(folder)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"note\.html\.txt: a file of texts ends in"):
        Texts(folder_with(tmp_path / "t", note_html="<p>"))


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "t", note_sms="Ciao")
    (folder / "it" / "note.sms.txt").write_bytes("è".encode("latin-1"))
    with pytest.raises(TemplateError, match="save the file as UTF-8"):
        Texts(folder)


def test_a_line_of_words_without_equals_sign_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="name = text"):
        Texts(folder_with(tmp_path / "t", words="mobile cellulare"))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="there is no such folder"):
        Texts(tmp_path / "nowhere")


def test_the_document_for_editors_lists_every_placeholder() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert [name for name in PLACEHOLDERS if f"`{{{name}}}`" not in document] == []
