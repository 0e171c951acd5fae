"""Draws pages of a document that a stranger sent, and reads the codes on them, in a process of its own.

`python -I draw.py count|page|codes MEDIA_TYPE NUMBER`, the document on standard input. It writes the number
of pages, a page as JPEG, or the texts of the Data Matrix codes as JSON. The libraries that parse such files
are large, and have had holes: the process has no environment, can open no file and no connection, start no
other, and has little memory and little time; what it writes is drawn anew, so that nothing but pixels of the
document gets any further.
"""

import json
import resource
import sys
import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final

import pypdfium2
import zxingcpp
from PIL import Image, ImageSequence

MOST_PAGES: Final = 30
"""Pages that are counted, and so shown."""
MEMORY: Final = 640 * 1024 * 1024
"""Bytes of address space: a page of A4 in colour with 600 points an inch fits, libraries included."""
SECONDS: Final = 20
"""Of processor time."""
_WIDTH: Final = 1240
"""Pixels of a page's width as drawn: 150 an inch of A4."""
_TALLEST: Final = 4 * _WIDTH
_FOR_CODES: Final = (2480, 3508)
"""Pixels within which codes are looked for: 300 an inch of A4, so that a module of a code is some pixels."""
_QUALITY: Final = 85
_DATA_MATRIX: Final = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.DataMatrix])


def confine() -> None:
    """Give up what drawing does not need, for good unless this is root."""
    # What is imported late would be a file to open.
    Image.init()
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        # Nothing is opened any more, sockets included; what is open already can be used.
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def count(data: bytes, media_type: str) -> int:
    """Return the number of pages."""
    if media_type == "application/pdf":
        return min(len(pypdfium2.PdfDocument(data)), MOST_PAGES)
    with Image.open(BytesIO(data)) as picture:
        return min(getattr(picture, "n_frames", 1), MOST_PAGES)


def drawn(data: bytes, media_type: str, number: int, within: tuple[int, int]) -> Image.Image:
    """Return a page (1 is the first) as a picture of at most so many pixels."""
    if media_type == "application/pdf":
        page = pypdfium2.PdfDocument(data)[number - 1]
        wide, tall = page.get_size()
        scale = min(within[0] / wide, within[1] / tall)
        picture: Image.Image = page.render(scale=scale, may_draw_forms=True).to_pil()
        return picture.convert("RGB")
    with Image.open(BytesIO(data)) as opened:
        frame = next(one for at, one in enumerate(ImageSequence.Iterator(opened), 1) if at == number)
        # Before it is decoded, where the format can: a photograph has more pixels than a page needs.
        frame.draft("RGB", within)
        # Shades first where there are none: of black and white alone, a smaller picture would lose lines.
        shaded = frame if frame.mode in {"RGB", "L"} else frame.convert("RGB")
        shaded.thumbnail(within)
        return shaded.convert("RGB")


def codes(data: bytes, media_type: str) -> Iterator[str]:
    """Yield the texts of the Data Matrix codes, page by page."""
    for number in range(1, count(data, media_type) + 1):
        picture = drawn(data, media_type, number, _FOR_CODES)
        for found in zxingcpp.read_barcodes(picture.convert("L"), _DATA_MATRIX):
            yield found.text


def main(words: list[str]) -> int:
    """Do what is asked."""
    confine()
    what, media_type, number = words
    data = sys.stdin.buffer.read()
    answers: dict[str, Any] = {
        "count": lambda: str(count(data, media_type)).encode(),
        "codes": lambda: json.dumps(list(codes(data, media_type))).encode(),
        "page": lambda: _jpeg(drawn(data, media_type, int(number), (_WIDTH, _TALLEST))),
    }
    sys.stdout.buffer.write(answers[what]())
    return 0


def _jpeg(picture: Image.Image) -> bytes:
    written = BytesIO()
    picture.save(written, "JPEG", quality=_QUALITY)
    return written.getvalue()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
