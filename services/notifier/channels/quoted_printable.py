"""Quoted-printable (RFC 2045, 6.7) that breaks lines between words only.

The standard library breaks at the 76th character, which may be within a half: a mail shown undecoded would
not show the half whole.
"""

import re

_LONGEST = 76
_TO_ESCAPE = re.compile(rb"[^\t\n\x20-<>-~]")
_ESCAPES = {bytes([octet]): b"=%02X" % octet for octet in range(256)}


def quoted(text: str) -> str:
    r"""Encode a text.

    Args:
        text: with lines ending in `\n`, `\r\n` or `\r`.

    Returns:
        ASCII, with lines ending in CRLF and at most 76 characters long.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    escaped = _TO_ESCAPE.sub(lambda found: _ESCAPES[found[0]], text.encode()).decode("ascii")
    return "\r\n".join([_line(line) for line in escaped.split("\n")])


def _line(line: str) -> str:
    if line.endswith((" ", "\t")):
        # White space at the end of a line may be lost in transport.
        line = f"{line[:-1]}={ord(line[-1]):02X}"
    return line if len(line) <= _LONGEST else "=\r\n".join(_pieces(line))


def _pieces(line: str) -> list[str]:
    pieces = []
    while len(line) > _LONGEST:
        cut = line.rfind(" ", 0, _LONGEST - 1) + 1 or _within_word(line)
        pieces.append(line[:cut])
        line = line[cut:]
    return [*pieces, line]


def _within_word(line: str) -> int:
    # A word longer than a line, such as a link: break it, but not within an escape.
    escape = line.find("=", _LONGEST - 3, _LONGEST - 1)
    return _LONGEST - 1 if escape < 0 else escape
