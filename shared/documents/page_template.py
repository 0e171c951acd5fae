"""A page template: what Typst has set once and is then printed many times.

Its source is a Typst file whose pages are the kinds of page there are, with slots where each copy's own text
goes, and whose last page is the type case: it shows every character that a slot may need, so that the fonts
in the document hold it. A slot is a `metadata` element labelled `<slot>`; `house.typ` has it all.
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
        lines: how many it holds; more stand closer together and in smaller type.
        leading: from one base line to the next.
        text: what goes round each line, which takes the place of `{}`.
        exact: whether each character is to be typed as it stands, as those of a mailbox.
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
    """What a leaf of the structure shows: a drawing that is the same in every copy, or the text of a slot."""

    tag: str
    drawing: bytes
    slot: str | None


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the structure of a page (ISO 32000-1, 14.7.2), which is listed after its parent.

    Attributes:
        tag: its standard type, such as `P`.
        attributes: what else its dictionary says, as it stands in the file.
        parent: the place of its parent in the list, None where that is the page as a whole.
        part: the place of its part in the list of parts, None where it has elements within.
    """

    tag: str
    attributes: bytes
    parent: int | None
    part: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a template.

    Attributes:
        language: of all its words.
        background: the drawing of all that is decoration.
        parts: all the rest, in the order of reading.
        elements: what the parts are.
        resources: the dictionary of what drawings and slots need, as it stands in the file.
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

    `intents` is the number of the output intents, the colour profile that PDF/A asks for.
    """

    pages: tuple[Page, ...]
    faces: Mapping[str, Face]
    objects: Mapping[int, bytes]
    intents: int


def compile_template(source: Path) -> PageTemplate:
    """Have Typst set a file, in a process of its own: the 50 MB that takes are given back. Costs 0.5 s, once.

    Raises:
        subprocess.CalledProcessError: when the file is at fault; what is wrong stands on standard error.
    """
    command = [sys.executable, "-m", "shared.documents.compilation", str(source)]
    # The child gets no environment, because it needs none of the secrets in it.
    compiled = subprocess.run(command, cwd=_ROOT, env={}, stdout=subprocess.PIPE, check=True)  # noqa: S603 - ourselves
    template = pickle.loads(compiled.stdout)  # noqa: S301 - written by ourselves a moment ago
    if not isinstance(template, PageTemplate):
        raise TypeError("the compilation gave no template")
    return template
