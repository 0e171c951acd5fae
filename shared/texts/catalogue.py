"""One worker's texts to the citizen, in Italian and in German (R33), from files that anyone can edit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from shared.errors import TemplateError
from shared.texts.template import LINK, Template, one_line, one_segment, parsed

LANGUAGES: Final = ("it", "de")
_SUBJECT: Final = {"it": "Oggetto: ", "de": "Betreff: "}
_WORDS: Final = "words.txt"


class Written(NamedTuple):
    """The text of a mail.

    Attributes:
        subject: the topic, never a secret.
        text: the body.
        link: the address in it that this program made, the only one that may become a link; or empty.
    """

    subject: str
    text: str
    link: str


class Texts:
    """The texts of a folder: `<language>/<name>.{sms,mail,notice}.txt` and `<language>/words.txt`.

    The folder is read and checked once, so that a fault in a file stops the worker at its start and
    not at the first citizen concerned. The names of texts are positional, as `name` is also a value.
    An unknown text or language is a `KeyError`; values that a text does not name, a `TemplateValuesError`.
    """

    def __init__(self, folder: Path) -> None:
        """Read and check the folder.

        Raises:
            TemplateError: names the file at fault and says what to correct.
        """
        self._texts = {language: _read(folder / language, language) for language in LANGUAGES}
        _check_pairs(folder, self._texts)

    def sms(self, name: str, language: str, /, **values: str) -> str:
        """The text of an SMS: one line that fits one segment."""
        return self._texts[language][f"{name}.sms"].fill(values)

    def mail(self, name: str, language: str, /, **values: str) -> Written:
        """A mail: its body is plain text, a line a paragraph, an empty line between paragraphs."""
        texts = self._texts[language]
        return Written(
            texts[f"{name}.subject"].text, texts[f"{name}.mail"].fill(values), values.get(LINK, "")
        )

    def notice(self, name: str, language: str, /, **values: str) -> str:
        """A line for a portal to show in its page (R31)."""
        return self._texts[language][f"{name}.notice"].fill(values)

    def word(self, name: str, language: str, /) -> str:
        """A word or phrase of `words.txt`, to be put into a text as a value."""
        return self._texts[language][f"{name}.word"].text


def _read(folder: Path, language: str) -> dict[str, Template]:
    if not folder.is_dir():
        raise TemplateError(f"{folder}: there is no such folder of texts")
    return {key: template for path in sorted(folder.iterdir()) for key, template in _file(path, language)}


def _file(path: Path, language: str) -> Iterator[tuple[str, Template]]:
    name, _, kind = path.name.partition(".")
    match kind:
        case "sms.txt":
            yield f"{name}.sms", one_segment(str(path), _content(path))
        case "mail.txt":
            subject, body = _letterhead(path, language)
            yield f"{name}.subject", subject
            yield f"{name}.mail", body
        case "notice.txt":
            yield f"{name}.notice", one_line(str(path), _content(path))
        case _ if path.name == _WORDS:
            yield from _words(path)
        case _:
            raise TemplateError(f"{path}: a file of texts ends in .sms.txt, .mail.txt or .notice.txt")


def _content(path: Path) -> str:
    try:
        # Some editors put a byte-order mark in front of UTF-8.
        return path.read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise TemplateError(f"{path}: save the file as UTF-8") from error


def _letterhead(path: Path, language: str) -> tuple[Template, Template]:
    first, blank, body = (*_content(path).split("\n", 2), "", "")[:3]
    if not first.startswith(_SUBJECT[language]) or blank.strip():
        raise TemplateError(
            f"{path}: first a line {_SUBJECT[language]!r} with the subject, then an empty line"
        )
    return _constant(str(path), first.removeprefix(_SUBJECT[language])), parsed(
        str(path), body.strip() + "\n"
    )


def _words(path: Path) -> Iterator[tuple[str, Template]]:
    for line in _content(path).splitlines():
        name, equals, text = line.partition(" = ")
        if not equals:
            raise TemplateError(f"{path}: every line reads: name = text")
        yield f"{name}.word", _constant(str(path), text.strip())


def _constant(source: str, text: str) -> Template:
    # A subject shows in lists and on locked screens: without placeholders it can contain no secret.
    template = parsed(source, text)
    if template.names:
        raise TemplateError(f"{source}: no placeholder may stand in a subject or a word")
    return template


def _check_pairs(folder: Path, texts: dict[str, dict[str, Template]]) -> None:
    first, *others = (texts[language] for language in LANGUAGES)
    for other in others:
        if alone := sorted(first.keys() ^ other.keys()):
            raise TemplateError(f"{folder}: not in every language: {alone}")
        for key, template in first.items():
            if unlike := sorted(template.names ^ other[key].names):
                raise TemplateError(f"{folder}: {key} has not in every language: {unlike}")
