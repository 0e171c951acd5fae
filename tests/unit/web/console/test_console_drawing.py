"""Documents that strangers send are drawn by a process that can do nothing else."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from deploy.web.console import draw
from deploy.web.console.rendering import Renderer
from deploy.web.errors import UndrawableError
from tests.kit.bombs import png_bomb

CONFINED = "import sys; sys.path.insert(0, sys.argv[1]); import draw, os, socket; draw.confine()\n"


def _confined(does: str) -> subprocess.CompletedProcess[str]:
    """Do something in a process that is as confined as the one that draws."""
    folder = str(Path(draw.__file__).parent)
    return subprocess.run(
        [sys.executable, "-I", "-c", CONFINED + does, folder],
        capture_output=True,
        text=True,
        check=False,
        env={},
    )


@pytest.mark.parametrize(
    "does",
    [
        "open('/etc/hostname')",
        "os.close(0); open('/etc/hostname')",
        "socket.socket()",
        "os.listdir('/')",
        "bytearray(2 * 1024**3)",
        "sys.stdout.flush(); os.write(1, b'x' * 10) and open('/tmp/x', 'w')",
    ],
)
def test_the_process_that_draws_opens_nothing_and_takes_little(does: str) -> None:
    tried = _confined(does)
    assert tried.returncode
    assert "Too many open files" in tried.stderr or "MemoryError" in tried.stderr


def test_it_has_nothing_of_the_environment() -> None:
    assert _confined("print(sorted(set(os.environ) - {'LC_CTYPE'}))").stdout.strip() == "[]"


def _written(picture: Image.Image, kind: str, **options: object) -> bytes:
    written = io.BytesIO()
    picture.save(written, kind, **options)
    return written.getvalue()


async def test_what_a_camera_wrote_into_a_picture_goes_no_further() -> None:
    exif = Image.Exif()
    exif[0x010E] = "via Mazzini 12"
    photograph = (
        _written(Image.new("RGB", (3000, 2000), "grey"), "JPEG", exif=exif) + b"<script>hidden</script>"
    )
    assert b"via Mazzini" in photograph
    drawn = await Renderer().page(photograph, "image/jpeg", 1)
    assert b"via Mazzini" not in drawn
    assert b"hidden" not in drawn
    assert Image.open(io.BytesIO(drawn)).width <= 1240


async def test_each_page_of_a_scan_is_drawn() -> None:
    pages = [Image.new("L", (170, 220), shade) for shade in (10, 240)]
    scan = _written(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    renderer = Renderer()
    assert await renderer.pages(scan, "image/tiff") == 2
    drawn = [Image.open(io.BytesIO(await renderer.page(scan, "image/tiff", number))) for number in (1, 2)]
    assert [picture.convert("L").getpixel((5, 5)) for picture in drawn] == [10, 240]


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"%PDF-1.7 rubbish %%EOF", "application/pdf"),
        (b"\x89PNG rubbish", "image/png"),
        (b"%PDF-1.7", "image/png"),
        (b"", "application/pdf"),
    ],
    ids=["pdf", "png", "other", "empty"],
)
async def test_what_cannot_be_drawn_is_refused(data: bytes, media_type: str) -> None:
    with pytest.raises(UndrawableError):
        await Renderer().page(data, media_type, 1)


async def test_a_picture_that_asks_for_gigabytes_is_refused() -> None:
    with pytest.raises(UndrawableError):
        await Renderer().page(png_bomb(30_000), "image/png", 1)
