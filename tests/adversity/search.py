"""Searches raw bytes for texts, in every encoding in which they could have leaked."""

import base64
import json
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_HEX = frozenset("0123456789ABCDEFabcdef")
Form = tuple[str, bytes]


def forms(text: str) -> Iterator[Form]:
    """Yield a text in each form, with the form's name."""
    for case in {text, text.lower(), text.upper()}:
        plain = case.encode()
        yield "plain", plain
        yield "spaced", " ".join(case).encode()
        yield "json", json.dumps(case)[1:-1].encode()
        yield "json-escaped", b"".join(b"\\u%04x" % ord(char) for char in case)
        yield "json-escaped-upper", b"".join(b"\\u%04X" % ord(char) for char in case)
        yield "utf-16", case.encode("utf-16-le")
        yield "utf-16-be", case.encode("utf-16-be")
        yield from _in_ascii(plain)


def _in_ascii(raw: bytes) -> Iterator[Form]:
    yield "hex", raw.hex().encode()
    yield "hex-upper", raw.hex().upper().encode()
    for shift in range(3):
        # For bytes within other bytes, only the characters that depend on them alone.
        whole = base64.b64encode(bytes(shift) + raw)[-(-8 * shift // 6) : 8 * (shift + len(raw)) // 6]
        yield f"base64-{shift}", whole
        yield f"base64-{shift}", whole.translate(bytes.maketrans(b"+/", b"-_"))


def token_forms(token: str) -> Iterator[Form]:
    """Yield the forms of a token in hex, those of its raw bytes among them."""
    raw = bytes.fromhex(token)
    yield from forms(token)
    yield "raw", raw
    yield from ((f"raw-{name}", form) for name, form in _in_ascii(raw))


def tells(secret: str) -> bool:
    """Return whether a secret is long enough not to occur by chance: hashes contain much short hex."""
    return len(secret) > 10 or not set(secret) <= _HEX


@dataclass(frozen=True)
class Hit:
    """A form that was found in a file."""

    file: Path
    form: str
    found: bytes


def named(wanted: Iterable[Form]) -> dict[bytes, str]:
    """Return the name of each form; of forms that are the same bytes, the first one's."""
    names: dict[bytes, str] = {}
    for name, form in wanted:
        # A line feed would end grep's pattern; only raw bytes may contain one, by chance.
        if b"\n" not in form:
            names.setdefault(form, name)
    return names


def search(wanted: Iterable[Form], places: Iterable[Path]) -> set[Hit]:
    """Return where any of these forms occurs in some files and folders.

    Uses grep, which searches for thousands of byte strings at once.
    """
    names = named(wanted)
    with tempfile.NamedTemporaryFile() as patterns:
        patterns.write(b"\n".join(names))
        patterns.flush()
        done = subprocess.run(
            ["grep", "-raoHZF", "-f", patterns.name, "--", *map(str, places)],
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            check=False,
        )
    # 2: a file disappeared while grep read it. The planted canaries show that grep works.
    assert done.returncode < 2 or b"No such file" in done.stderr, done.stderr[:2000]
    lines = (line.partition(b"\0") for line in done.stdout.split(b"\n") if line)
    return {Hit(Path(file.decode()), names.get(found, "?"), found) for file, _, found in lines}
