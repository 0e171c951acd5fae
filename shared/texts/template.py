"""One text to the citizen: what its file may contain, and the filling of its placeholders."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.errors import TemplateError, TemplateValuesError
from shared.texts import sms_length
from shared.texts.web_addresses import unlinked

LINK: Final = "link"
"""The placeholder of the only address that this program makes itself."""

# The longest value each placeholder can take in an SMS; None where an SMS must not carry it:
# personal data and links go by mail alone.
PLACEHOLDERS: Final[Mapping[str, int | None]] = {
    "half": 8,
    "part": 8,
    "until": 34,
    "citizen": None,
    "expires_on": None,
    "changed": None,
    LINK: None,
    "valid_until": None,
    "effective_at": None,
    "reason": None,
    "service": None,
    "protocol": None,
    "protocols": None,
}

_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
_LIKE_A_HALF: Final = re.compile(
    r"(?<![0-9A-Z])(?=[A-Z]*[0-9])[0-9ABCDEFGHJKMNPQRSTVWXYZ]{8}(?![0-9A-Z])", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Template:
    """A checked text.

    Attributes:
        source: where it was read, for error messages.
        text: with its placeholders, in the form of `str.format`.
        names: the placeholders, each of which must be given when it is filled.
    """

    source: str
    text: str
    names: frozenset[str]

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with every value put in literally, characters that cannot be printed as spaces.

        Only the address of `link` is kept intact: others come from free text, and programs that show the
        message must not turn them into links.

        Raises:
            TemplateValuesError: a value is missing or superfluous. It contains names, never values.
        """
        if values.keys() != self.names:
            raise TemplateValuesError(
                f"{self.source}: missing {sorted(self.names - values.keys())},"
                f" superfluous {sorted(values.keys() - self.names)}"
            )
        return self.text.format_map(
            {name: flat(value) if name == LINK else unlinked(flat(value)) for name, value in values.items()}
        )


def flat(value: str) -> str:
    """A value on one line: control, format and unprintable characters (line ends included) become spaces."""
    if value.isprintable():
        return value
    return "".join(character if character.isprintable() else " " for character in value)


def parsed(source: str, text: str) -> Template:
    """The template in a text.

    Raises:
        TemplateError: for an empty text, an unknown placeholder, a stray brace, or a word that a citizen
            (or a program that searches for it) could mistake for a half of a PIN.
    """
    names = frozenset(_PLACEHOLDER.findall(text))
    rest = _PLACEHOLDER.sub(" ", text)
    if not text.strip():
        raise TemplateError(f"{source}: the text is empty")
    if unknown := names - PLACEHOLDERS.keys():
        raise TemplateError(f"{source}: unknown placeholders {sorted(unknown)}")
    if "{" in rest or "}" in rest:
        raise TemplateError(f"{source}: a brace that belongs to no placeholder")
    if confusable := _LIKE_A_HALF.search(rest):
        raise TemplateError(f"{source}: {confusable[0]!r} looks like half a PIN; write it with spaces")
    return Template(source, text, names)


def one_line(source: str, text: str) -> Template:
    """The template in a text of a single line; faults as in `parsed`."""
    if "\n" in text:
        raise TemplateError(f"{source}: the text must be one line")
    return parsed(source, text)


def one_segment(source: str, text: str) -> Template:
    """The template of an SMS, which fits one segment even with the longest values.

    Raises:
        TemplateError: as in `parsed`, and for a placeholder that an SMS must not carry or a text too long.
    """
    template = one_line(source, text)
    widths = {name: PLACEHOLDERS[name] for name in template.names}
    if unfit := [name for name, width in widths.items() if width is None]:
        raise TemplateError(f"{source}: an SMS must not carry {sorted(unfit)}")
    longest = template.text.format_map({name: "0" * (width or 0) for name, width in widths.items()})
    if (length := sms_length.units(longest)) > (room := sms_length.room(longest)):
        rare = "".join(sorted(sms_length.beyond_gsm7(longest)))
        because = f", because of the characters {rare}" if rare else ""
        raise TemplateError(f"{source}: up to {length} characters, but there is room for {room}{because}")
    return template
