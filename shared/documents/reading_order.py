"""Splits a page that Typst tagged into decoration and content, in reading order and with its structure.

Typst writes the content of a page as marked sequences (ISO 32000-1, 14.6), each with a number by which an
element of the structure refers to it, and decoration as artifacts. The sequences are independent.
"""

import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, Final

from pypdf import PageObject

from shared.documents.page_template import Element, Part, Slot

_SEQUENCE: Final = re.compile(rb"\s*/(\w+)\s*<<(.*?)>>\s*BDC\n(.*?)\nEMC", re.DOTALL)
_NUMBER: Final = re.compile(rb"/MCID (\d+)")
_START: Final = re.compile(rb"q 1 0 0 -1 ([\d.]+) ([\d.]+) cm")
_KEPT: Final = ("/Alt", "/A")
_INLINE: Final = frozenset({"/Strong", "/Em", "/Span"})  # without meaning in PDF/UA-1: part of their parent


def read(page: PageObject, slots: Mapping[str, Slot]) -> tuple[bytes, tuple[Part, ...], tuple[Element, ...]]:
    """Return the background of a page, its parts and its elements; slots replace their placeholders.

    Raises:
        ValueError: the content is not as described above, or a slot is not in the structure.
    """
    background, drawings = _sequences(page)
    reading = _Reading(drawings, {(round(s.x, 1), round(s.y, 1)): name for name, s in slots.items()})
    for child in _children(_document(page)):
        if _page_of(child) == page.indirect_reference:
            reading.take(child, None)
    if {part.slot for part in reading.parts} - {None} != slots.keys() or reading.drawings:
        raise ValueError("the structure of a page does not hold all that is on it")
    return background, tuple(reading.parts), tuple(reading.elements)


class _Reading:
    """The elements and parts read so far, and the drawings that are left."""

    def __init__(self, drawings: dict[int, bytes], places: Mapping[tuple[float, float], str]) -> None:
        self.drawings = drawings
        self.parts: list[Part] = []
        self.elements: list[Element] = []
        self._places = places

    def take(self, element: Any, parent: int | None) -> None:  # noqa: ANN401 - pypdf's own
        numbers = list(_numbers(element))
        tag = element["/S"].lstrip("/")
        part = len(self.parts) if numbers else None
        if numbers:
            self.parts.append(self._part(tag, b"\n".join(map(self.drawings.pop, numbers))))
        self.elements.append(Element(tag, _attributes(element), parent, part))
        here = len(self.elements) - 1
        if not numbers:
            for child in _children(element):
                self.take(child, here)

    def _part(self, tag: str, drawing: bytes) -> Part:
        if tag == "Figure":
            return Part(tag, b"", "symbol")
        start = _START.match(drawing)
        slot = self._places.get((round(float(start[1]), 1), round(float(start[2]), 1))) if start else None
        return Part(tag, b"" if slot else drawing, slot)


def _sequences(page: PageObject) -> tuple[bytes, dict[int, bytes]]:
    """Return the artifacts, and the other sequences by number."""
    content = page.get_contents()
    data = b"" if content is None else content.get_data()
    artifacts, drawings, end = [], {}, 0
    for found in _SEQUENCE.finditer(data):
        number = _NUMBER.search(found[2])
        if found.start() != end or (number is None) != (found[1] == b"Artifact"):
            raise ValueError("a content that is neither numbered nor an artifact")
        if number:
            drawings[int(number[1])] = found[3]
        else:
            artifacts.append(found[3])
        end = found.end()
    if data[end:].strip():
        raise ValueError("a content outside the marked sequences")
    return b"\n".join(artifacts), drawings


def _document(page: PageObject) -> Any:  # noqa: ANN401 - pypdf's own
    root: Any = page.pdf.root_object if hasattr(page, "pdf") else page.indirect_reference.pdf.root_object  # type: ignore[union-attr]
    [document] = _children(root["/StructTreeRoot"])
    return document


def _children(element: Any) -> Iterator[Any]:  # noqa: ANN401 - pypdf's own
    kids = element.get("/K", [])
    for kid in kids if isinstance(kids, list) else [kids]:
        child = kid.get_object()
        if not isinstance(child, int):
            yield child


def _numbers(element: Any) -> Iterator[int]:  # noqa: ANN401 - pypdf's own
    """Yield the numbers of an element's sequences, those of its inline elements included."""
    kids = element.get("/K", [])
    for kid in kids if isinstance(kids, list) else [kids]:
        child = kid.get_object()
        if isinstance(child, int):
            yield int(child)
        elif child["/S"] in _INLINE:
            yield from _numbers(child)


def _page_of(element: Any) -> Any:  # noqa: ANN401 - pypdf's own
    if "/Pg" in element:
        return element.raw_get("/Pg")
    return next((found for child in _children(element) if (found := _page_of(child))), None)


def _attributes(element: Any) -> bytes:  # noqa: ANN401 - pypdf's own
    body = BytesIO()
    for name in _KEPT:
        if name in element:
            body.write(name.encode())
            element[name].write_to_stream(body)
    return body.getvalue()
