"""The characters of a control code, said aloud: one recording for each, and for each language."""

import wave
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
RATE = 22050
"""Samples of 8 bits a second."""


@cache
def recording(language: str, character: str) -> bytes:
    """Return the samples (unsigned bytes) of a character.

    Raises:
        FileNotFoundError: it is none of a control code.
    """
    with wave.open(str(HERE / language / f"{character}.wav"), "rb") as file:
        return file.readframes(file.getnframes())
