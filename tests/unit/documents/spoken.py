"""A page's structure for screen readers (ISO 32000-1, 14.7), from the tree and from the content."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pypdf import PdfReader

_MARK = re.compile(rb"/(\w+)\s*<<([^>]*)>>\s*BDC|/\w+ Do\b|\bT[jJ]\b|\bEI\b|\bBDC\b|\bBMC\b|\bEMC\b")
_NUMBER = re.compile(rb"/MCID (\d+)")


@dataclass(frozen=True, slots=True)
class Heard:
    """One element: its type, how deep it lies, its language, the number of its content, its alternative."""

    tag: str
    depth: int
    language: str
    page: int | None
    content: int | None
    alternative: str


def heard(pdf: bytes) -> list[Heard]:
    """Return every element of the structure, in the order of reading."""
    reader = PdfReader(BytesIO(pdf))
    root: Any = reader.root_object
    pages = {page.indirect_reference.idnum: at for at, page in enumerate(reader.pages)}  # type: ignore[union-attr]
    return list(_within(root["/StructTreeRoot"], pages, 0, root["/Lang"]))


def _within(element: Any, pages: dict[int, int], depth: int, language: str) -> Iterator[Heard]:  # noqa: ANN401 - pypdf's own
    for kid in element["/K"] if isinstance(element["/K"], list) else []:
        child = kid.get_object()
        own = child.get("/Lang", language)
        content = child["/K"] if isinstance(child["/K"], int) else None
        page = None if content is None else pages[child.raw_get("/Pg").idnum]
        yield Heard(child["/S"].lstrip("/"), depth, own, page, content, child.get("/Alt", ""))
        yield from _within(child, pages, depth + 1, own)


def unowned(pdf: bytes) -> list[str]:
    """Return what is wrong between the contents of the pages and the elements that they say they are of."""
    reader = PdfReader(BytesIO(pdf))
    root: Any = reader.root_object
    parents = root["/StructTreeRoot"]["/ParentTree"]["/Nums"]
    found = []
    for at, page in enumerate(reader.pages):
        owners = parents[parents.index(page["/StructParents"]) + 1]
        contents: Any = page.get_contents()
        marked = [mark for mark in _marked(contents.get_data()) if mark is not None]
        found += [f"page {at}: drawn outside the marks" for mark in marked if mark == ("", -1)]
        numbers = [(tag, number) for tag, number in marked if number >= 0]
        said = [(owner.get_object()["/S"].lstrip("/"), owner.get_object()["/K"]) for owner in owners]
        if sorted(set(numbers)) != sorted(said):
            found.append(f"page {at}: {numbers} is not {said}")
    return found


def _marked(content: bytes) -> Iterator[tuple[str, int] | None]:
    """Yield type and number of each marked sequence, and `("", -1)` for what is drawn outside of all."""
    inside = False
    for mark in _MARK.finditer(content):
        if mark[1]:
            number = _NUMBER.search(mark[2])
            inside = True
            yield (mark[1].decode(), int(number[1])) if number else None
        elif mark[0] == b"EMC":
            inside = False
        elif not inside:
            yield "", -1
