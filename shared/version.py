"""Which release this is, and which commit it was built from: the one place where both are known."""

from pathlib import Path

VERSION = "0.2.0"
"""The release that this is, or that it was made from: docs/releases.md."""
_REVISION = Path(__file__).parents[1] / "revision"
"""Written where an image is built (deploy/container/Dockerfile); a checkout has none, and asks git."""


def revision() -> str:
    """Return the commit that the image was built from; an empty text elsewhere."""
    try:
        return _REVISION.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""
