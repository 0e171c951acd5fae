"""Data Matrix (ISO/IEC 16022, ECC 200) of a UUID, in one fixed size.

The 36 characters of a UUID, one codeword each in the ASCII encodation, fill the 24 by 24 symbol
exactly. Reed-Solomon coding is linear over bits and the placement of bits is fixed, so the symbol of a
text is the exclusive or of one pattern for each character: 36 look-ups instead of a full encoding.

zxing-cpp, which reads the symbols in the tests, writes another one for each of 10,000 UUIDs (3.1.1): it packs
digits, keeps this size only by an undocumented option, and takes 80 µs, not 4.
"""

from functools import cache, reduce
from operator import xor
from typing import Final

SIDE: Final = 24
"""Modules a side, finder pattern included, quiet zone not."""

_INNER: Final = 22
_DATA: Final = 36
_CHECK: Final = 24
_POLYNOMIAL: Final = 0x12D


def matrix(text: str) -> tuple[str, ...]:
    """Return the symbol as 24 rows of `0` and `1` (dark), top row first.

    Raises:
        ValueError: when the text is not 36 characters of ASCII.
    """
    bits = f"{bitmap(text):0{SIDE * SIDE}b}"
    return tuple(bits[start : start + SIDE] for start in range(0, SIDE * SIDE, SIDE))


def bitmap(text: str) -> int:
    """Return the symbol as a number of 576 bits, row by row, the most significant bit at the top left.

    Raises:
        ValueError: when the text is not 36 characters of ASCII.
    """
    if len(text) != _DATA or not text.isascii():
        raise ValueError("the symbol holds the 36 ASCII characters of a UUID")
    return reduce(xor, map(_pattern, range(_DATA), text), _finder())


@cache
def _finder() -> int:
    """Return the solid left and bottom edges, the dashed top and right ones, and the fixed corner."""
    dark = {(row, 0) for row in range(SIDE)} | {(SIDE - 1, column) for column in range(SIDE)}
    dark |= {(_INNER, _INNER), (_INNER - 1, _INNER - 1)}
    dark |= {(0, column) for column in range(0, SIDE, 2)} | {(row, SIDE - 1) for row in range(1, SIDE, 2)}
    return sum(map(_module, dark))


@cache
def _pattern(position: int, character: str) -> int:
    """Return the modules that one character in one position darkens: its own bits and the check words."""
    data = [0] * _DATA
    data[position] = ord(character) + 1
    words = [*data, *_check(data)]
    return sum(
        _module((row + 1, column + 1))
        for (row, column), (word, bit) in _places().items()
        if words[word] >> bit & 1
    )


def _module(place: tuple[int, int]) -> int:
    row, column = place
    return 1 << (SIDE * SIDE - 1 - row * SIDE - column)


def _check(data: list[int]) -> list[int]:
    """Return the Reed-Solomon check words of the data words."""
    generator = _generator()
    register = [0] * _CHECK
    for word in data:
        factor = word ^ register[0]
        shifted = [*register[1:], 0]
        register = [old ^ _times(term, factor) for old, term in zip(shifted, generator, strict=True)]
    return register


@cache
def _generator() -> tuple[int, ...]:
    """Return the coefficients of the product of (x - 2^i), i from 1 to 24, but the leading one."""
    terms, root = [1], 1
    for _ in range(_CHECK):
        root = _times(root, 2)
        scaled = [0, *(_times(term, root) for term in terms)]
        terms = [term ^ other for term, other in zip([*terms, 0], scaled, strict=True)]
    return tuple(terms[1:])


def _times(a: int, b: int) -> int:
    """Multiply in the field of 256 elements."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = a << 1 ^ (_POLYNOMIAL if a & 0x80 else 0)
        b >>= 1
    return product


@cache
def _places() -> dict[tuple[int, int], tuple[int, int]]:
    """Return which bit (7 the highest) of which word each inner module shows: annex F of the standard.

    In this size the placement uses the second corner case, once, and leaves four modules unused.
    """
    places: dict[tuple[int, int], tuple[int, int]] = {}
    row, column, step = 4, 0, -1
    while row < _INNER or column < _INNER:
        if (row, column) == (_INNER - 2, 0):
            _lay(places, _CORNER)
        while (row >= 0 and column < _INNER) if step < 0 else (row < _INNER and column >= 0):
            if 0 <= row < _INNER and 0 <= column < _INNER and (row, column) not in places:
                _lay(places, tuple((row + down, column + right) for down, right in _SHAPE))
            row, column = row + 2 * step, column - 2 * step
        row, column = (row + 1, column + 3) if step < 0 else (row + 3, column + 1)
        step = -step
    return places


_SHAPE: Final = ((-2, -2), (-2, -1), (-1, -2), (-1, -1), (-1, 0), (0, -2), (0, -1), (0, 0))
_CORNER: Final = (
    *((row, 0) for row in range(_INNER - 3, _INNER)),
    *((0, column) for column in range(_INNER - 4, _INNER)),
    (1, _INNER - 1),
)


def _lay(places: dict[tuple[int, int], tuple[int, int]], shape: tuple[tuple[int, int], ...]) -> None:
    """Place one word, wrapped round the edges if it does not fit."""
    word = len(places) // 8
    for bit, (row, column) in enumerate(shape):
        if row < 0:
            row, column = row + _INNER, column + 4 - (_INNER + 4) % 8  # noqa: PLW2901 - the wrap
        if column < 0:
            row, column = row + 4 - (_INNER + 4) % 8, column + _INNER  # noqa: PLW2901 - the wrap
        places[row, column] = word, 7 - bit
