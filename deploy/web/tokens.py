"""Texts that come back from a browser as they were sent: signed, of one kind, and not too old."""

import hmac
from dataclasses import dataclass, field
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer


@dataclass(frozen=True, slots=True)
class Tokens:
    """Signs and reads such texts. They can be read by who holds them, and not changed.

    Args:
        secret: that all processes share.
    """

    secret: bytes = field(repr=False)

    def sign(self, kind: str, value: Any) -> str:  # noqa: ANN401 - JSON
        """Return a value as a text of URL-safe characters."""
        text = self._serializer(kind).dumps(value)
        return text if isinstance(text, str) else text.decode()

    def read(self, kind: str, text: str, longest: int) -> Any:  # noqa: ANN401 - JSON
        """Return the value of a text of this kind, or None if it is none of ours, or older (seconds)."""
        try:
            return self._serializer(kind).loads(text, max_age=longest)
        except BadData:
            return None

    def mark(self, kind: str, text: str) -> str:
        """Return what only we can tell of a text: the same each time, 64 hexadecimal characters."""
        return hmac.digest(self.secret, f"{kind}\0{text}".encode(), "sha256").hex()

    def _serializer(self, kind: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.secret, salt=f"pin-web-{kind}")
