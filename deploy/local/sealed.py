"""Seals texts to a service's public key, and opens those sealed to a portal's own key."""

import base64
from pathlib import Path

from nacl.public import PrivateKey, PublicKey, SealedBox


def sealed(state: Path, to: str, text: str) -> str:
    """Seal a text to a service, as commands carry secrets.

    Args:
        state: the stack's `.local`, with the public keys.
        to: `issuer`, `revoker` or `dispositivo`.
        text: a PIN or a token.
    """
    public = base64.b64decode((state / f"keys/{to}.pub").read_text())
    return base64.b64encode(SealedBox(PublicKey(public)).encrypt(text.encode())).decode()


class ReplyKey:
    """A pair of keys to which a reply is sealed."""

    def __init__(self) -> None:
        self._key = PrivateKey.generate()
        self.public = base64.b64encode(bytes(self._key.public_key)).decode()
        """What goes into the command as `reply_key`."""

    def open(self, text: str) -> str:
        """Open a text sealed to this key.

        Raises:
            nacl.exceptions.CryptoError: it was sealed to another key.
        """
        return SealedBox(self._key).decrypt(base64.b64decode(text)).decode()
