"""Renders copies of a page template: each copy is one page, with its own text in the slots.

Typst sets a page in 1.3 ms, nearly all of it for the text that is the same in every letter. Here it is in
the document once, as the first of two content streams of each page (ISO 32000-1, 7.8.2); the second has the
lines of the copy. The reading order is not that of the streams: see structure.py.
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
_RISE: Final = 0.7  # how far, in line spaces, smaller type is raised, as its letters are lower
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
    """The content of one copy.

    Attributes:
        page: which page of the template, from 0.
        lines: the lines for each slot, by name.
        symbol: a UUID, for the slot `symbol`.
    """

    page: int
    lines: Mapping[str, Sequence[str]]
    symbol: str


class Renderer:
    """A prepared template: takes about half a megabyte, and renders any number of documents."""

    def __init__(self, template: PageTemplate) -> None:
        """Prepare the data that all copies of a page share."""
        self._template = template
        self._structures = tuple(map(Structure, template.pages))
        self._begun: dict[frozenset[int], tuple[File, Mapping[int, tuple[int, int]]]] = {}

    def render(self, copies: Iterable[PageCopy], *, title: str, created: date) -> bytes:
        """Return the copies as one document, PDF/A-2b and PDF/UA-1, one page each, in order."""
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
        """Return a file with the shared objects of these kinds of page: the resources and drawing of each."""
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
        """Return this copy's own content, each part between marks with its tag."""
        page = self._template.pages[copy.page]
        parts = ((n, part.tag, part.slot) for n, part in enumerate(page.parts) if part.slot)
        return "".join(
            f"/{tag}<</MCID {n}>>BDC\n{self._set(page, slot, copy)}\nEMC\n" for n, tag, slot in parts
        ).encode()

    def _set(self, page: Page, name: str, copy: PageCopy) -> str:
        slot = page.slots[name]
        if name == "symbol":
            return _symbol(slot, copy.symbol)
        # q and Q restore the text state: else character spacing would apply to the text that follows.
        return f"q BT\n{self._lines(slot, copy.lines.get(name, ()))}ET Q"

    def _lines(self, slot: Slot, lines: Sequence[str]) -> str:
        """Set lines in a slot; fewer than it holds are centred, more are set closer together."""
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
    """Return the shared content of a page, also between marks; the background is decoration."""
    parts = ((n, part.tag.encode(), part.drawing) for n, part in enumerate(page.parts) if not part.slot)
    marked = (b"/%b<</MCID %d>>BDC\n%b\nEMC\n" % (tag, n, drawing) for n, tag, drawing in parts)
    return b"/Artifact<</Type/Layout>>BDC\n%b\nEMC\n%b" % (page.background, b"".join(marked))


def _packed(content: bytes, level: int) -> bytes:
    return stream(b"/Filter/FlateDecode", zlib.compress(content, level))


def _line(slot: Slot, face: Face, text: str, size: float, y: float) -> str:
    """Set a line at that size, or smaller down to the legible size, and narrower beyond that."""
    if slot.pitch:
        # A space between the characters keeps them on one line when the text is extracted; the font is
        # monospaced, so one spacing centres every character in its box.
        advance = face.width(" ") * slot.size
        start = slot.x + (slot.pitch - advance) / 2
        return _shown(slot.font, slot.size, slot.pitch / 2 - advance, start, y, face.encode(" ".join(text)))
    room = slot.width / (face.width(text) or 1)
    size = min(size, max(room, _LEGIBLE))
    return _shown(slot.font, size, 0, slot.x, y, face.encode(text), min(1, room / size))


def _blank(face: Face) -> str:
    """Return the space that ends a line before the next, so that screen readers separate their words."""
    return f"<{face.encode(' ')}> Tj\n"


def _shown(  # noqa: PLR0913, PLR0917 - PDF's text state
    font: str, size: float, spacing: float, x: float, y: float, codes: str, squeezed: float = 1
) -> str:
    return f"/{font} {size:.3f} Tf {spacing:.3f} Tc {squeezed:.4f} 0 0 1 {x:.3f} {y:.3f} Tm <{codes}> Tj\n"


def _symbol(slot: Slot, text: str) -> str:
    """Draw a Data Matrix as an image mask: sharp at any size, and in hex so that parsers find its end."""
    bits = f"{bitmap(text):0{SIDE * SIDE // 4}X}"
    return (
        f"q {slot.width:.3f} 0 0 {slot.width:.3f} {slot.x:.3f} {slot.y:.3f} cm "
        f"BI /W {SIDE} /H {SIDE} /BPC 1 /IM true /D [1 0] /F /AHx ID {bits}> EI Q\n"
    )
