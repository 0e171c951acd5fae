"""Compiles a page template: `python -m shared.documents.compilation SOURCE` writes it, pickled, to stdout."""

import json
import pickle
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any, Final

import typst
from pypdf import PageObject, PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject, PdfObject

from shared.documents.characters import alphabet
from shared.documents.page_template import Face, Page, PageTemplate, Slot
from shared.documents.reading_order import read

_FONTS: Final = Path(__file__).parent / "fonts"
_ROOT: Final = Path(__file__).parents[2]


def compile_template(source: Path) -> PageTemplate:
    """Typeset the file with Typst, and extract from its PDF what printing needs.

    Only the fonts of the project are used, so that the same source gives the same pages anywhere; an absolute
    path in the source begins at the root of the project.

    Raises:
        typst.TypstError: the file is wrong, or its PDF would not be PDF/A-2b and PDF/UA-1.
    """
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[_FONTS])
    inputs = {"alphabet": alphabet()}
    compiler = typst.Compiler(source, root=_ROOT, font_paths=fonts, sys_inputs=inputs)
    slots = json.loads(compiler.query("<slot>", field="value"))
    sheets = json.loads(compiler.query("<sheet>", field="value"))
    # A fixed time: Typst's own metadata are not used, and the output stays reproducible.
    pdf = compiler.compile(format="pdf", pdf_standards=["a-2b", "ua-1"], timestamp=0)
    if not isinstance(pdf, bytes):
        raise TypeError("Typst gave no document")
    return _template(PdfReader(BytesIO(pdf)), slots, {sheet["page"]: sheet["lang"] for sheet in sheets})


def _template(pdf: PdfReader, slots: list[dict[str, Any]], languages: dict[int, str]) -> PageTemplate:
    *pages, case = pdf.pages
    intents = pdf.root_object.raw_get("/OutputIntents")
    fonts: Any = case["/Resources"]
    faces = dict(map(_face, fonts["/Font"].values()))
    type_case = {NameObject(f"/{name}"): IndirectObject(face.number, 0, pdf) for name, face in faces.items()}
    resources = [_with_fonts(page, type_case) for page in pages]
    needed = [intents, *type_case.values(), *chain.from_iterable(map(_references, resources))]
    return PageTemplate(
        pages=tuple(
            _page(page, languages[number], [slot for slot in slots if slot["page"] == number], own)
            for number, (page, own) in enumerate(zip(pages, resources, strict=True), start=1)
        ),
        faces=faces,
        objects=dict(_objects(needed)),
        intents=intents.idnum,
    )


def _page(page: PageObject, language: str, found: list[dict[str, Any]], resources: DictionaryObject) -> Page:
    height = float(page.mediabox.height)
    slots = {slot["name"]: _slot(slot, height) for slot in found}
    background, parts, elements = read(page, slots)
    return Page(language, background, parts, elements, _written(resources), slots)


def _with_fonts(page: PageObject, type_case: dict[NameObject, IndirectObject]) -> DictionaryObject:
    """Return the resources of a page, with the fonts of the type case also under their PostScript names."""
    own: Any = page["/Resources"]
    fonts: Any = own["/Font"]
    return DictionaryObject({**own, NameObject("/Font"): DictionaryObject({**fonts, **type_case})})


def _written(found: PdfObject) -> bytes:
    body = BytesIO()
    found.write_to_stream(body)
    return body.getvalue()


def _slot(found: dict[str, Any], height: float) -> Slot:
    """Return a slot from Typst's description, whose `y` is measured from the top."""
    own = {name: value for name, value in found.items() if name not in {"page", "name"}}
    return Slot(**own | {"y": height - found["y"]})


def _face(font: PdfObject) -> tuple[str, Face]:
    """Return the name of a Type 0 font as Typst writes it, and what is needed to set text in it."""
    dictionary: Any = font.get_object()
    descendant = dictionary["/DescendantFonts"][0].get_object()
    cmap = dictionary["/ToUnicode"].get_data().decode()
    texts = {code: bytes.fromhex(text).decode("utf-16-be") for code, text in _PAIR.findall(cmap)}
    widths = dict(_widths(descendant["/W"]))
    name = dictionary["/BaseFont"].partition("+")[2]
    return name, Face(
        number=dictionary.indirect_reference.idnum,
        codes={text: code for code, text in texts.items()},
        widths={text: widths[int(code, 16)] for code, text in texts.items()},
    )


_PAIR: Final = re.compile(r"^<([0-9A-F]{4})> <([0-9A-F]+)>$", re.MULTILINE)


def _widths(table: list[Any]) -> Iterator[tuple[int, float]]:
    """Read a `W` array of the form `first last width` (ISO 32000-1, 9.7.4.3)."""
    for first, last, width in zip(table[::3], table[1::3], table[2::3], strict=True):
        yield from ((code, float(width)) for code in range(int(first), int(last) + 1))


def _objects(references: list[IndirectObject]) -> Iterator[tuple[int, bytes]]:
    """Yield each reachable object, as written in the file, with its own number."""
    seen: set[int] = set()
    while references:
        reference = references.pop()
        if reference.idnum in seen:
            continue
        seen.add(reference.idnum)
        found: Any = reference.get_object()
        yield reference.idnum, _written(found)
        references += _references(found)


def _references(found: object) -> Iterator[IndirectObject]:
    match found:
        case IndirectObject():
            yield found
        case DictionaryObject():
            for value in found.values():
                yield from _references(value)
        case ArrayObject():
            for value in found:
                yield from _references(value)


if __name__ == "__main__":
    sys.stdout.buffer.write(pickle.dumps(compile_template(Path(sys.argv[1]))))
