"""Makes the recordings of this folder: `python -m deploy.web.sounds.build`, with `espeak-ng` of Debian.

They are kept in the repository: what serves them to anybody runs no other program, and the container needs
none of the packages (a sound server's library, D-Bus, codecs) that espeak-ng brings with it.
"""

import io
import subprocess
import sys
import tomllib
import wave
from array import array
from collections.abc import Sequence

from deploy.web.sounds import HERE, RATE

_WORDS_A_MINUTE = "130"
_QUIET = 400
"""Of 32767: less than this, at the ends, is silence."""
_LOUDEST = 110
"""Of 127, so that noise has room above it."""


def spoken(language: str, words: str) -> Sequence[int]:
    """Return what espeak-ng says, as samples of 16 bits."""
    said = subprocess.run(
        ["espeak-ng", "-v", language, "-s", _WORDS_A_MINUTE, "--stdin", "--stdout"],
        input=words.encode(),
        capture_output=True,
        check=True,
    ).stdout
    with wave.open(io.BytesIO(said)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
            raise ValueError("espeak-ng speaks in another format now")
        samples = array("h", file.readframes(len(said)))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def trimmed(samples: Sequence[int]) -> bytes:
    """Return the samples without silence at the ends, equally loud, as unsigned bytes."""
    loud = [at for at, sample in enumerate(samples) if abs(sample) > _QUIET]
    kept = samples[loud[0] : loud[-1] + 1]
    peak = max(map(abs, kept))
    return bytes(128 + round(sample * _LOUDEST / peak) for sample in kept)


def main() -> None:
    """Make every recording anew."""
    for language, words in tomllib.loads((HERE / "words.toml").read_text(encoding="utf-8")).items():
        (HERE / language).mkdir(exist_ok=True)
        for character, text in words.items():
            with wave.open(str(HERE / language / f"{character}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(1)
                file.setframerate(RATE)
                file.writeframes(trimmed(spoken(language, text)))


if __name__ == "__main__":
    main()
