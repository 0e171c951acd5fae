"""Prints copies from a forme: each copy is a page of its own, with its own text in the slots.

Typst sets a page in about 3 ms, nearly all of it for the words that are the same in every letter. Here they
are in the document once, as a form (ISO 32000-1, 8.10), and a copy is its own few lines and one `Do`.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from typing import Final

from shared.typesetting.characters import printable
from shared.typesetting.datamatrix import SIDE, bitmap
from shared.typesetting.forme import Face, Forme, Page, Slot
from shared.typesetting.pdf import File, metadata, stream

_LEGIBLE: Final = 8
_RISE: Final = 0.7  # how far, in line spaces, smaller type rises, as its letters are less high
_A4: Final = b"[0 0 595.2756 841.8898]"


@dataclass(frozen=True, slots=True)
class Copy:
    """What one copy says.

    Attributes:
        page: which page of the forme, from 0.
        lines: the lines for each slot, by name.
        symbol: a UUID, for the slot `symbol`.
    """

    page: int
    lines: Mapping[str, Sequence[str]]
    symbol: str


class Press:
    """A forme made ready: holds about 100 KB, and prints any number of documents."""

    def __init__(self, forme: Forme) -> None:
        """Lay into a file what all documents share."""
        self._forme = forme
        self._begun = File()
        for number, body in forme.objects.items():
            self._begun.add(body, number)
        forms = [self._begun.add(_form(page)) for page in forme.pages]
        fonts = b"".join(b"/%b %d 0 R" % (n.encode(), face.number) for n, face in forme.faces.items())
        drawn = b"".join(b"/P%d %d 0 R" % named for named in enumerate(forms))
        self._resources = self._begun.add(b"<</Font<<%b>>/XObject<<%b>>>>" % (fonts, drawn))

    def impress(self, copies: Iterable[Copy], *, title: str, created: date) -> bytes:
        """Return the copies as one PDF/A-2b document, a page each, in order."""
        file = deepcopy(self._begun)
        tree = file.number()
        kids = [self._page(file, tree, copy) for copy in copies]
        file.add(b"<</Type/Pages/Count %d/Kids[%b]>>" % (len(kids), b" ".join(kids)), tree)
        packet = file.add(stream(b"/Type/Metadata/Subtype/XML", metadata(title, created)))
        catalog = b"<</Type/Catalog/Pages %d 0 R/Metadata %d 0 R/OutputIntents %d 0 R>>"
        return file.close(file.add(catalog % (tree, packet, self._forme.intents)))

    def _page(self, file: File, tree: int, copy: Copy) -> bytes:
        content = file.add(stream(b"/Filter/FlateDecode", zlib.compress(self._content(copy).encode(), 1)))
        page = b"<</Type/Page/Parent %d 0 R/MediaBox%b/Resources %d 0 R/Contents %d 0 R>>"
        return b"%d 0 R" % file.add(page % (tree, _A4, self._resources, content))

    def _content(self, copy: Copy) -> str:
        slots = self._forme.pages[copy.page].slots
        texts = "".join(self._lines(slots[name], lines) for name, lines in copy.lines.items())
        return f"/P{copy.page} Do\nBT\n{texts}ET\n{_symbol(slots['symbol'], copy.symbol)}"

    def _lines(self, slot: Slot, lines: Sequence[str]) -> str:
        """Set lines in a slot; fewer than it holds stand in its middle, and more of them closer together."""
        face = self._forme.faces[slot.font]
        closer = min(1, slot.lines / len(lines)) if lines else 1
        leading = slot.leading * closer
        top = (
            slot.y + (slot.leading - leading) * _RISE - (slot.lines - len(lines) * closer) / 2 * slot.leading
        )
        texts = (slot.text.replace("{}", printable(line, exact=slot.exact)) for line in lines)
        size = min(slot.size, max(slot.size * closer, _LEGIBLE))
        return "".join(_line(slot, face, text, size, top - row * leading) for row, text in enumerate(texts))


def _form(page: Page) -> bytes:
    dictionary = b"/Type/XObject/Subtype/Form/BBox%b/Resources %d 0 R/Filter/FlateDecode"
    return stream(dictionary % (_A4, page.resources), zlib.compress(page.content, 9))


def _line(slot: Slot, face: Face, text: str, size: float, y: float) -> str:
    """Set a line in type of that size, or in smaller type that is still legible, and narrower beyond that."""
    if slot.pitch:
        # A blank between the characters keeps them on one line for whoever extracts the text; all advances
        # are the same in the face of the boxes, so one spacing centres every character in its box.
        advance = face.width(" ") * slot.size
        start = slot.x + (slot.pitch - advance) / 2
        return _shown(slot.font, slot.size, slot.pitch / 2 - advance, start, y, face.encode(" ".join(text)))
    room = slot.width / (face.width(text) or 1)
    size = min(size, max(room, _LEGIBLE))
    return _shown(slot.font, size, 0, slot.x, y, face.encode(text), min(1, room / size))


def _shown(  # noqa: PLR0913, PLR0917 - PDF's text state
    font: str, size: float, spacing: float, x: float, y: float, codes: str, squeezed: float = 1
) -> str:
    return f"/{font} {size:.3f} Tf {spacing:.3f} Tc {squeezed:.4f} 0 0 1 {x:.3f} {y:.3f} Tm <{codes}> Tj\n"


def _symbol(slot: Slot, text: str) -> str:
    """Draw a Data Matrix as a stencil: crisp at any size, and in hex so that no reader loses its end."""
    bits = f"{bitmap(text):0{SIDE * SIDE // 4}X}"
    return (
        f"q {slot.width:.3f} 0 0 {slot.width:.3f} {slot.x:.3f} {slot.y:.3f} cm "
        f"BI /W {SIDE} /H {SIDE} /BPC 1 /IM true /D [1 0] /F /AHx ID {bits}> EI Q\n"
    )
