"""What a reader of a page sees: its words, its symbol, its marks of PDF/A and PDF/UA."""

import random
import re
import subprocess
from collections.abc import Collection, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from pypdf import PdfReader

_CHARACTER = "[0-9A-HJKMNP-TV-Z]"
_word = re.compile(rf"(?<![0-9A-Z])(?=[A-Z]*[0-9]){_CHARACTER}{{8}}(?![0-9A-Z])", re.IGNORECASE | re.ASCII)
_ONE_BIT = bytes(255 if grey > 127 else 0 for grey in range(256))
_SPECKS = 0.01
_spaced = re.compile(rf"(?<!\S)(?:{_CHARACTER}[ \xa0]*){{8}}(?!\S)")


def words(pdf: bytes) -> str:
    """Return the text of the first page as pypdf extracts it."""
    return PdfReader(BytesIO(pdf)).pages[0].extract_text()


def like_a_half(text: str) -> list[str]:
    """Return the words of eight characters of a half, a digit among them, in either case."""
    return _word.findall(text)


def spaced_like_a_half(text: str) -> list[str]:
    """Return what a reader takes for a half who allows spaces between its characters, without the spaces."""
    return ["".join(found.split()) for found in _spaced.findall(text)]


def laid_out(pdf: bytes, folder: Path) -> list[str]:
    """Return the text of each page as pdftotext lays it out."""
    return _poppler("pdftotext", pdf, folder, "-layout").split("\f")[:-1]


def sizes_of(pdf: bytes, lines: Collection[str]) -> list[float]:
    """Return the sizes of the type, in points, in which these lines are set on the first page."""
    sizes: list[float] = []

    def note(text: str, _: Any, matrix: Any, __: Any, size: float) -> None:  # noqa: ANN401 - pypdf's own
        if text.strip() in lines:
            sizes.append(size * float(matrix[3]))

    PdfReader(BytesIO(pdf)).pages[0].extract_text(visitor_text=note)
    return sizes


def in_sight(pdf: bytes, folder: Path, **window: int) -> list[str]:
    """Return the lines within a rectangle of the first page, in millimetres from its upper left corner.

    At 254 dots an inch a dot is a tenth of a millimetre.
    """
    dots = {side: str(length * 10) for side, length in window.items()}
    area = ("-x", dots["left"], "-y", dots["top"], "-W", dots["width"], "-H", dots["height"])
    return [
        line for line in _poppler("pdftotext", pdf, folder, "-r", "254", *area).split("\n") if line.strip()
    ]


def symbols(pdf: bytes, folder: Path, across: int = 200, down: int = 200) -> list[str]:
    """Return what the Data Matrix of each page says to a scanner with so many dots an inch."""
    return [_symbol(*picture) for picture in _scanned(pdf, folder, across, down)]


def faxed_symbols(pdf: bytes, folder: Path, down: int) -> list[str]:
    """Return what they say after a fax: 204 dots an inch across, black or white, one in 100 wrong."""
    noise = random.Random(down)  # noqa: S311 - specks, the same ones each time
    pages = _scanned(pdf, folder, 204, down)
    received = ((width, height, pixels.translate(_ONE_BIT)) for width, height, pixels in pages)
    return [
        _symbol(width, height, bytes(255 - dot if noise.random() < _SPECKS else dot for dot in dots))
        for width, height, dots in received
    ]


def structure_told(pdf: bytes, folder: Path) -> str:
    """Return types and texts of the structure as another reader than ours, poppler, makes them out."""
    told = _poppler("pdfinfo", pdf, folder, "-struct-text", result=None)
    return " ".join(told.replace(" (block)", "").split())


def metadata(pdf: bytes) -> str:
    root: Any = PdfReader(BytesIO(pdf)).root_object
    return str(root["/Metadata"].get_data().decode())


def marks(pdf: bytes) -> list[str]:
    """Return what a file lacks of what PDF/A-2b (ISO 19005-2) and PDF/UA-1 ask of it as a whole."""
    reader = PdfReader(BytesIO(pdf))
    root: Any = reader.root_object
    pages: list[Any] = list(reader.pages)
    fonts = [font.get_object() for page in pages for font in page["/Resources"]["/Font"].values()]
    descriptors = [font["/DescendantFonts"][0].get_object()["/FontDescriptor"] for font in fonts]
    second = pdf.splitlines()[1]
    asked = {
        "an identifier": "/ID" in reader.trailer,
        "no encryption": not reader.is_encrypted,
        "its part and level": "<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B<" in metadata(pdf),
        "its part of PDF/UA, explained": metadata(pdf).count("http://www.aiim.org/pdfua/ns/id/") == 2
        and "<pdfuaid:part>1</pdfuaid:part>" in metadata(pdf),
        "a title that is shown": "<dc:title>" in metadata(pdf)
        and root["/ViewerPreferences"]["/DisplayDocTitle"].value,
        "a language": root["/Lang"] in {"it", "de"},
        "the mark of a tagged file": root["/MarkInfo"]["/Marked"].value,
        "an output intent with a profile": "/DestOutputProfile" in root["/OutputIntents"][0].get_object(),
        "every font embedded": all("/FontFile2" in descriptor for descriptor in descriptors),
        "every font mapped to Unicode": all("/ToUnicode" in font for font in fonts),
        "no action": not any(name in pdf for name in (b"/JavaScript", b"/OpenAction", b"/AA")),
        "a second line of binary": second[:1] == b"%" and min(second[1:5]) > 127,
        "nothing after its end": pdf.endswith(b"%%EOF\n"),
    }
    return [mark for mark, there in asked.items() if not there]


def _scanned(pdf: bytes, folder: Path, across: int, down: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield width, height and grey dots of each page."""
    resolution = ("-rx", str(across), "-ry", str(down))
    _poppler("pdftoppm", pdf, folder, "-gray", *resolution, result=str(folder / "page"))
    for picture in sorted(folder.glob("page*.pgm")):
        _, size, _, pixels = picture.read_bytes().split(b"\n", 3)
        width, height = map(int, size.split())
        yield width, height, pixels


def _symbol(width: int, height: int, pixels: bytes) -> str:
    found = zxingcpp.read_barcodes(memoryview(pixels).cast("B", (height, width)))
    return str(found[0].text) if found else ""


def _poppler(tool: str, pdf: bytes, folder: Path, *options: str, result: str | None = "-") -> str:
    """Run one of poppler's tools; on a machine without them the test is skipped."""
    file = folder / "document.pdf"
    file.write_bytes(pdf)
    try:
        return subprocess.run(
            [tool, *options, file, *([result] if result else [])],
            check=True,
            capture_output=True,
            encoding="utf-8",
        ).stdout
    except FileNotFoundError:
        pytest.skip("poppler-utils is not installed")
