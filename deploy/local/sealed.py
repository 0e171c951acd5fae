"""Seals texts to a service's public key, and opens those sealed to a portal's own key."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from nacl.public import PrivateKey, PublicKey, SealedBox


def sealed(state: Path, to: str, text: str) -> str:
    """Seal a text to a service: the first form, which any message may carry.

    Args:
        state: the stack's `.local`, with the public keys.
        to: `issuer`, `revoker` or `dispositivo`.
        text: a PIN or a token.
    """
    public = base64.b64decode((state / f"keys/{to}.pub").read_text())
    return base64.b64encode(SealedBox(PublicKey(public)).encrypt(text.encode())).decode()


def bound(
    state: Path, to: str, secret: Mapping[str, str], body: Mapping[str, object], message_id: str
) -> str:
    """Seal a secret to a service for one message: the second form, of no use in any other.

    Args:
        state: the stack's `.local`, with the public keys.
        to: `issuer` for a PIN, `revoker` for a token.
        secret: the one secret under its name, `pin` or `token`.
        body: of the command, before the seal is added.
        message_id: under which the command will be published.
    """
    covered = {name: body[name] for name in ("codice_fiscale", "reply_key") if name in body}
    return sealed(state, to, json.dumps({"v": 2, **secret, **covered, "message_id": message_id}))


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
