"""A text that must never be shown."""

import hmac
from typing import NoReturn


class Secret:
    """A PIN, a half or a token: usable, but without a text form.

    It cannot be printed, formatted, logged, serialised or pickled; only `reveal`
    returns the text, so that a search of the code finds every use.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text, for sealing, hashing or sending on the citizen's channel."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a Secret has no text form; reveal() it where it is used")

    __str__ = _refuse
    __format__ = _refuse
    __reduce_ex__ = _refuse

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __len__(self) -> int:
        return len(self._text)
