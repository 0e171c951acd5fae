"""The structure of a printed document (ISO 32000-1, 14.7), as PDF/UA-1 (ISO 14289-1) requires it.

A screen reader reads a page in reading order and in the right language, and announces each heading, list and
picture. The structure is the same in all copies of a page: it is made once, with gaps for the object numbers,
which each copy fills.
"""

from collections.abc import Sequence
from typing import Final

from shared.documents.page_template import Element, Page
from shared.documents.pdf import File

_REFERENCE: Final = b"%d 0 R"


class Structure:
    """The structure of one page of a template: a section in the page's language, and all its elements."""

    def __init__(self, page: Page) -> None:
        """Prepare the bodies of the objects and the values of their gaps."""
        kids = [
            [n for n, e in enumerate(page.elements) if e.parent == at] for at in range(len(page.elements))
        ]
        top = [n for n, element in enumerate(page.elements) if element.parent is None]
        self._section = _with_kids(b"/S/Sect/Lang(%b)" % page.language.encode(), len(top))
        self._top = tuple(n + 1 for n in top)
        self._bodies = tuple(map(_body, page.elements, kids))
        owners = {e.part: n for n, e in enumerate(page.elements) if e.part is not None}
        self._owners = tuple(owners[part] + 1 for part in range(len(page.parts)))
        self._parents = b" ".join([_REFERENCE] * len(self._owners))

    def add(self, file: File, document: int, page: int) -> tuple[int, bytes]:
        """Write the structure of one copy, whose elements have consecutive numbers.

        Returns:
            The number of the section, and the references by which each part of the page finds its element.
        """
        first = file.numbers(len(self._bodies) + 1)
        file.add(self._section % (document, *(first + kid for kid in self._top)), first)
        for number, (body, parent, kids) in enumerate(self._bodies, first + 1):
            gaps = (
                (first + parent, page) if kids is None else (first + parent, *(first + kid for kid in kids))
            )
            file.add(body % gaps, number)
        return first, self._parents % tuple(first + owner for owner in self._owners)


def _body(element: Element, kids: Sequence[int]) -> tuple[bytes, int, tuple[int, ...] | None]:
    """Return an element's body, and its parent and kids, or None for a leaf, counted from the section."""
    start = b"/S/%b%b" % (element.tag.encode(), element.attributes.replace(b"%", b"%%"))
    parent = 0 if element.parent is None else element.parent + 1
    if element.part is None:
        return _with_kids(start, len(kids)), parent, tuple(kid + 1 for kid in kids)
    return b"<</Type/StructElem%b/P %%d 0 R/Pg %%d 0 R/K %d>>" % (start, element.part), parent, None


def _with_kids(start: bytes, count: int) -> bytes:
    return b"<</Type/StructElem%b/P %%d 0 R/K[%b]>>" % (start, b" ".join([_REFERENCE] * count))


def add_root(file: File, root: int, document: int, sections: Sequence[tuple[int, bytes]]) -> None:
    """Write the two elements at the top; `sections` are what `Structure.add` returned, page by page."""
    kids = b" ".join(_REFERENCE % section for section, _ in sections)
    file.add(b"<</Type/StructElem/S/Document/P %d 0 R/K[%b]>>" % (root, kids), document)
    parents = b" ".join(b"%d[%b]" % (at, parents) for at, (_, parents) in enumerate(sections))
    body = b"<</Type/StructTreeRoot/K[%d 0 R]/ParentTree<</Nums[%b]>>/ParentTreeNextKey %d>>"
    file.add(body % (document, parents, len(sections)), root)
