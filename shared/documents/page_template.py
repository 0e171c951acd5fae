"""A page template: typeset once by Typst, then printed many times.

Its source is a Typst file with one page for each kind of page, with slots for each copy's own text. Its last
page is the type case: it shows every character that a slot may need, so that the embedded fonts contain it. A
slot is a `metadata` element labelled `<slot>`; see `house.typ`.
"""

import pickle
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for text; all lengths in points, the origin in the lower left corner of the page.

    Attributes:
        x: where the text starts.
        y: its base line; with several lines, that of the first when all `lines` are used.
        width: the room; longer text is set smaller, and below 8 point narrower.
        size: of the type.
        font: its PostScript name.
        pitch: from one character to the next, 0 for the font's own.
        lines: how many it holds; more are set closer together and smaller.
        leading: from one base line to the next.
        text: printed around each line, which replaces `{}`.
        exact: whether the characters are printed unchanged, as in a mail address.
    """

    x: float
    y: float
    width: float
    size: float
    font: str
    pitch: float
    lines: int
    leading: float
    text: str
    exact: bool


@dataclass(frozen=True, slots=True)
class Face:
    """One font in the document.

    Attributes:
        number: of its object.
        codes: of each character, in hex.
        widths: of each character, in thousandths of the size.
    """

    number: int
    codes: Mapping[str, str]
    widths: Mapping[str, float]

    def width(self, text: str) -> float:
        """Return the width of a text set at size 1."""
        return sum(map(self.widths.__getitem__, text)) / 1000

    def encode(self, text: str) -> str:
        """Return the text as a PDF string, in hex."""
        return "".join(map(self.codes.__getitem__, text))


@dataclass(frozen=True, slots=True)
class Part:
    """The content of a leaf of the structure: a drawing that is the same in every copy, or a slot."""

    tag: str
    drawing: bytes
    slot: str | None


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the structure of a page (ISO 32000-1, 14.7.2), listed after its parent.

    Attributes:
        tag: its standard type, such as `P`.
        attributes: the rest of its dictionary, as written in the file.
        parent: the index of its parent in the list, None if that is the page itself.
        part: the index of its part in the list of parts, None if it has child elements.
    """

    tag: str
    attributes: bytes
    parent: int | None
    part: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a template.

    Attributes:
        language: of all its text.
        background: the drawing of all that is decoration.
        parts: all other content, in reading order.
        elements: the structure of the parts.
        resources: the dictionary that drawings and slots need, as written in the file.
        slots: by name.
    """

    language: str
    background: bytes
    parts: tuple[Part, ...]
    elements: tuple[Element, ...]
    resources: bytes
    slots: Mapping[str, Slot]


@dataclass(frozen=True, slots=True)
class PageTemplate:
    """Pages, fonts by PostScript name, and the PDF objects that they need, under the numbers they refer to.

    `intents` is the number of the output intents, the colour profile that PDF/A requires.
    """

    pages: tuple[Page, ...]
    faces: Mapping[str, Face]
    objects: Mapping[int, bytes]
    intents: int


def compile_template(source: Path) -> PageTemplate:
    """Typeset a file in a process of its own, so that its 60 MB are freed. Takes 0.3 s, once.

    Raises:
        subprocess.CalledProcessError: the file is wrong; the details are on standard error.
    """
    command = [sys.executable, "-m", "shared.documents.compilation", str(source)]
    # The child gets no environment: it needs none of its secrets.
    compiled = subprocess.run(command, cwd=_ROOT, env={}, stdout=subprocess.PIPE, check=True)  # noqa: S603 - ourselves
    template = pickle.loads(compiled.stdout)  # noqa: S301 - written by ourselves a moment ago
    if not isinstance(template, PageTemplate):
        raise TypeError("the compilation gave no template")
    return template
