"""Renders copies of a page template: each copy is a page of its own, with its own text in the slots.

Typst sets a page in about 3 ms, nearly all of it for the words that are the same in every letter. Here they
are in the document once, as the first of two streams of content that each page has (ISO 32000-1, 7.8.2), and
a copy is its own few lines. The order of reading is not that of the streams: see structure.py.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from shared.documents.characters import printable
from shared.documents.datamatrix import SIDE, bitmap
from shared.documents.page_template import Face, Page, PageTemplate, Slot
from shared.documents.pdf import File, metadata, stream
from shared.documents.structure import Structure, add_root

_LEGIBLE: Final = 8
_RISE: Final = 0.7  # how far, in line spaces, smaller type rises, as its letters are less high
_CATALOG: Final = (
    b"<</Type/Catalog/Pages %d 0 R/Metadata %d 0 R/OutputIntents %d 0 R/StructTreeRoot %d 0 R/Lang(%b)"
    b"/MarkInfo<</Marked true>>/ViewerPreferences<</DisplayDocTitle true>>>>"
)
_PAGE: Final = (
    b"<</Type/Page/Parent %d 0 R/MediaBox%b/Resources %d 0 R/Contents[%d 0 R %d 0 R]/StructParents %d>>"
)
_A4: Final = b"[0 0 595.2756 841.8898]"


@dataclass(frozen=True, slots=True)
class PageCopy:
    """What one copy says.

    Attributes:
        page: which page of the template, from 0.
        lines: the lines for each slot, by name.
        symbol: a UUID, for the slot `symbol`.
    """

    page: int
    lines: Mapping[str, Sequence[str]]
    symbol: str


class Renderer:
    """A template made ready: holds about 100 KB, and prints any number of documents."""

    def __init__(self, template: PageTemplate) -> None:
        """Prepare what all copies of a page share."""
        self._template = template
        self._structures = tuple(map(Structure, template.pages))
        self._begun: dict[frozenset[int], tuple[File, Mapping[int, tuple[int, int]]]] = {}

    def render(self, copies: Iterable[PageCopy], *, title: str, created: date) -> bytes:
        """Return the copies as one document, PDF/A-2b and PDF/UA-1, a page each, in order."""
        wanted = list(copies)
        begun, shared = self._beginning(frozenset(copy.page for copy in wanted))
        file = begun.fork()
        tree, root, document = file.number(), file.number(), file.number()
        pages, sections = [], []
        for at, copy in enumerate(wanted):
            page = self._page(file, tree, shared[copy.page], at, copy)
            pages.append(b"%d 0 R" % page)
            sections.append(self._structures[copy.page].add(file, document, page))
        file.add(b"<</Type/Pages/Count %d/Kids[%b]>>" % (len(pages), b" ".join(pages)), tree)
        add_root(file, root, document, sections)
        packet = file.add(stream(b"/Type/Metadata/Subtype/XML", metadata(title, created)))
        language = self._template.pages[wanted[0].page].language.encode()
        return file.close(file.add(_CATALOG % (tree, packet, self._template.intents, root, language)))

    def _beginning(self, kinds: frozenset[int]) -> tuple[File, Mapping[int, tuple[int, int]]]:
        """Return a file with all that these kinds of pages share: of each, its resources and its drawing."""
        if kinds not in self._begun:
            file = File()
            for number, body in self._template.objects.items():
                file.add(body, number)
            pages = {kind: self._template.pages[kind] for kind in sorted(kinds)}
            shared = {
                kind: (file.add(page.resources), file.add(_packed(_shared(page), 9)))
                for kind, page in pages.items()
            }
            self._begun[kinds] = file, shared
        return self._begun[kinds]

    def _page(self, file: File, tree: int, shared: tuple[int, int], at: int, copy: PageCopy) -> int:
        own = file.add(_packed(self._own(copy), 1))
        return file.add(_PAGE % (tree, _A4, *shared, own, at))

    def _own(self, copy: PageCopy) -> bytes:
        """Return what this copy alone shows, each part between marks that say what it is."""
        page = self._template.pages[copy.page]
        parts = ((n, part.tag, part.slot) for n, part in enumerate(page.parts) if part.slot)
        return "".join(
            f"/{tag}<</MCID {n}>>BDC\n{self._set(page, slot, copy)}\nEMC\n" for n, tag, slot in parts
        ).encode()

    def _set(self, page: Page, name: str, copy: PageCopy) -> str:
        slot = page.slots[name]
        if name == "symbol":
            return _symbol(slot, copy.symbol)
        # The state of text outlives it: spaced out here, the words that follow would be too.
        return f"q BT\n{self._lines(slot, copy.lines.get(name, ()))}ET Q"

    def _lines(self, slot: Slot, lines: Sequence[str]) -> str:
        """Set lines in a slot; fewer than it holds stand in its middle, and more of them closer together."""
        face = self._template.faces[slot.font]
        closer = min(1, slot.lines / len(lines)) if lines else 1
        leading = slot.leading * closer
        top = (
            slot.y + (slot.leading - leading) * _RISE - (slot.lines - len(lines) * closer) / 2 * slot.leading
        )
        texts = [slot.text.replace("{}", printable(line, exact=slot.exact)) for line in lines]
        size = min(slot.size, max(slot.size * closer, _LEGIBLE))
        set_ = [_line(slot, face, text, size, top - row * leading) for row, text in enumerate(texts)]
        return _blank(face).join(set_)


def _shared(page: Page) -> bytes:
    """Return what all copies of a page show, likewise between marks; the background is decoration."""
    parts = ((n, part.tag.encode(), part.drawing) for n, part in enumerate(page.parts) if not part.slot)
    marked = (b"/%b<</MCID %d>>BDC\n%b\nEMC\n" % (tag, n, drawing) for n, tag, drawing in parts)
    return b"/Artifact<</Type/Layout>>BDC\n%b\nEMC\n%b" % (page.background, b"".join(marked))


def _packed(content: bytes, level: int) -> bytes:
    return stream(b"/Filter/FlateDecode", zlib.compress(content, level))


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


def _blank(face: Face) -> str:
    """Return what ends a line that another follows: who hears the page hears two words, not one."""
    return f"<{face.encode(' ')}> Tj\n"


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
