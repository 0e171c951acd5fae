"""The control code of a revocation (R19): seven characters as an image and as sound, checked once.

No process keeps what it has shown: the code travels in the form, encrypted. Each process remembers which
codes it has checked until they expire. Another process that has not seen one would check it again; but
whatever a code leads to is published under the one `message_id` that follows from it, so it has one effect.
"""

import asyncio
import base64
import binascii
import hashlib
import io
import json
import operator
import random
import re
import secrets
import time
import wave
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from captcha.image import ImageCaptcha
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from deploy.web import sounds
from deploy.web.application import view
from deploy.web.pages import language_of
from deploy.web.sessions import current

ALPHABET = "ACDEFHKMNPRTUXY34679"
"""Without what looks or sounds alike: O and 0, I, L and 1, Z and 2, S and 5, B and 8, G, J, Q, V, W."""
LENGTH = 7
LASTS = 600
"""Seconds for which a code may be answered."""
_MOST_REMEMBERED = 100_000
"""Checked codes; past these the oldest is forgotten, about 30 MB."""
_WIDTH, _HEIGHT = 300, 100
_SIGNS = re.compile(r"[\s.,-]")
_RANGE = re.compile(r"bytes=(\d{1,9})-(\d{0,9})")

Outcome = Literal["right", "wrong", "used", "expired"]


@dataclass(frozen=True, slots=True)
class ControlCode:
    """A code that was shown.

    Attributes:
        id: random, other than the code.
        text: the seven characters.
        session: for which it was made.
        until: when it expires, in seconds since 1970.
    """

    id: str
    text: str = field(repr=False)
    session: str
    until: float


class ControlCodes:
    """Makes codes, and checks each once.

    Args:
        secret: that all processes share.
    """

    def __init__(self, secret: bytes) -> None:
        self._box = SecretBox(hashlib.blake2b(secret, digest_size=32, person=b"pin-control-code").digest())
        self._key = hashlib.blake2b(secret, digest_size=32, person=b"pin-control-id").digest()
        self._checked: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def new(self, session: str) -> str:
        """Return the token of a new code for a session: only the processes can read it."""
        text = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        parts = [secrets.token_urlsafe(12), text, session, time.time() + LASTS]
        sealed = self._box.encrypt(json.dumps(parts).encode())
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def read(self, token: str, session: str) -> ControlCode | None:
        """Return the code of a token; None if it is none of ours, of another session, or expired."""
        try:
            plain = self._box.decrypt(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        except (CryptoError, ValueError, binascii.Error):
            return None
        code = ControlCode(*json.loads(plain))
        return code if code.session == session and time.time() < code.until else None

    def may_be_answered(self, token: str, session: str) -> bool:
        """Tell whether a code waits for its answer still."""
        code = self.read(token, session)
        return code is not None and code.id not in self._checked

    def check(self, token: str, session: str, answer: str, body: Mapping[str, object]) -> Outcome:
        """Check an answer, once: from then on the code is `used`, right or wrong.

        Only the very same form, sent twice by a double click, is right again.

        Args:
            token: of `new`.
            session: whose form it is.
            answer: as it was typed; case, blanks and hyphens do not matter.
            body: of the command that the code is for.
        """
        code = self.read(token, session)
        if code is None:
            return "expired"
        said = _SIGNS.sub("", answer).upper()
        form = json.dumps([said, body], sort_keys=True).encode()
        digest = hashlib.blake2b(form, digest_size=16, key=self._key).hexdigest()
        if checked := self._checked.get(code.id):
            return "right" if secrets.compare_digest(checked[1], digest) else "used"
        is_right = secrets.compare_digest(said.encode(), code.text.encode())
        self._remember(code, digest if is_right else "")
        return "right" if is_right else "wrong"

    def _remember(self, code: ControlCode, digest: str) -> None:
        now = time.time()
        while self._checked and (
            next(iter(self._checked.values()))[0] < now or len(self._checked) >= _MOST_REMEMBERED
        ):
            self._checked.popitem(last=False)
        self._checked[code.id] = (code.until, digest)

    def message_id(self, token: str, session: str) -> str:
        """Return the `message_id` of what a code leads to: the same in every process.

        Raises:
            HTTPException: 400, the code has expired meanwhile.
        """
        code = self.read(token, session)
        if code is None:
            raise HTTPException(400, "form_expired")
        digest = hashlib.blake2b(code.id.encode(), digest_size=16, key=self._key).digest()
        return str(UUID(bytes=digest, version=4))


def codes_of(request: Request) -> ControlCodes:
    """Return the process's codes."""
    codes: ControlCodes = request.app.state.control_codes
    return codes


class _Picture(ImageCaptcha):
    """As the package draws it, but so that people can read it: letters stand apart, and dark on white."""

    word_space_probability = 1.0  # of no space
    word_offset_dx = 0.0
    character_rotate = (-25, 25)

    def __init__(self) -> None:
        super().__init__(_WIDTH, _HEIGHT, font_sizes=(48, 54, 60))
        self.lookup_table = [min(255, 6 * light) for light in range(256)]  # a dark letter covers the paper


def picture(text: str) -> bytes:
    """Return a code as a PNG that people read more easily than programs."""
    return _Picture().generate(text, "png", bg_color=(255, 255, 255), fg_color=(23, 50, 77)).getvalue()


def sound(text: str, language: str, seed: str) -> bytes:
    """Return a code as a WAV: a word for each letter, at a pace of its own and over some noise.

    A browser may ask for it in parts, so the same seed gives the same bytes.
    """
    drawn = random.Random(seed)  # noqa: S311 - of a token that nobody can read or guess
    samples = b"".join(_spoken(text, language, drawn))
    # Noise of 16 steps of 256 around the middle: a recording cannot be found again byte by byte.
    noise = drawn.randbytes(len(samples)).translate(_QUIETLY)
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(1)
        written.setframerate(round(sounds.RATE * drawn.uniform(0.94, 1.06)))
        written.writeframes(bytes(map(operator.add, samples.translate(_LOWERED), noise)))
    return file.getvalue()


_QUIETLY = bytes(step >> 4 for step in range(256))
_LOWERED = bytes(max(0, step - 8) for step in range(256))


def _spoken(text: str, language: str, drawn: random.Random) -> Iterator[bytes]:
    for character in text:
        yield bytes([128]) * int(sounds.RATE * drawn.uniform(0.5, 1.0))
        yield sounds.recording(language, character)
    yield bytes([128]) * (sounds.RATE // 2)


def _shown(request: Request) -> ControlCode:
    code = codes_of(request).read(request.path_params["token"], current(request).id)
    if code is None:
        raise HTTPException(404)
    return code


async def _picture(request: Request) -> Response:
    # In a thread: it takes some hundredths of a second, for which nobody else should wait.
    return Response(await asyncio.to_thread(picture, _shown(request).text), media_type="image/png")


async def _sound(request: Request) -> Response:
    code = _shown(request)
    heard = await asyncio.to_thread(sound, code.text, language_of(request), request.path_params["token"])
    return _part(heard, request.headers.get("range", ""))


def _part(content: bytes, wanted: str) -> Response:
    """Return the part of a sound that a player asks for: Safari's plays nothing that comes as a whole."""
    headers = {"accept-ranges": "bytes"}
    found = _RANGE.fullmatch(wanted)
    if not found:
        return Response(content, media_type="audio/wav", headers=headers)
    first, last = int(found[1]), min(int(found[2] or len(content)), len(content) - 1)
    if first > last:
        return Response(status_code=416, headers={"content-range": f"bytes */{len(content)}"})
    headers["content-range"] = f"bytes {first}-{last}/{len(content)}"
    return Response(content[first : last + 1], 206, headers, "audio/wav")


ROUTES = [
    view("/control-code/{token}.png", _picture, name="control_code.picture"),
    view("/control-code/{token}.wav", _sound, name="control_code.sound"),
]
