"""PINs and tokens sealed to a service, the same each time a form is sent, and the key for its reply.

A double click, a reload or another process must publish the very same command, as another one under the same
`message_id` is refused; and whichever process gets the reply must be able to open it. So what libsodium draws
at random is derived here: from the secret of the application, the command and what is sealed.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nacl import bindings
from nacl.public import PrivateKey, SealedBox

_SERVICE = {"pin": "issuer", "token": "revoker"}


@dataclass(frozen=True, slots=True)
class Seals:
    """Seals to the services' public keys.

    Args:
        keys: the folder of `issuer.pub` and `revoker.pub`, read anew each time.
        secret: that all processes share.
    """

    keys: Path
    secret: bytes = field(repr=False)

    def sealed(self, name: str, text: str, body: Mapping[str, object], message_id: str) -> str:
        """Seal a secret for one command: the second form of the contract.

        Args:
            name: `pin` or `token`, which says to whom.
            text: the secret.
            body: of the command, with `codice_fiscale` and, where there is one, `reply_key`.
            message_id: of the command.

        Returns:
            Standard base64 of a `crypto_box_seal`.
        """
        covered = {key: body[key] for key in ("codice_fiscale", "reply_key") if key in body}
        plain = json.dumps({"v": 2, name: text, **covered, "message_id": message_id}).encode()
        public = self._public(_SERVICE[name])
        own = self._derived("seal", public + plain)
        ephemeral = bindings.crypto_scalarmult_base(own)
        # As crypto_box_seal does: the nonce is that of both public keys.
        nonce = hashlib.blake2b(ephemeral + public, digest_size=bindings.crypto_box_NONCEBYTES).digest()
        return base64.b64encode(ephemeral + bindings.crypto_box(plain, nonce, public, own)).decode()

    def reply_key(self, message_id: str) -> str:
        """Return the public key (base64) to which the reply to a command is to be sealed."""
        return base64.b64encode(bytes(self._private(message_id).public_key)).decode()

    def opened(self, text: str, message_id: str) -> str:
        """Open what was sealed to the reply key of a command.

        Raises:
            nacl.exceptions.CryptoError: it was sealed to another.
        """
        return SealedBox(self._private(message_id)).decrypt(base64.b64decode(text)).decode()

    def _private(self, message_id: str) -> PrivateKey:
        return PrivateKey(self._derived("reply", message_id.encode()))

    def _derived(self, purpose: str, of: bytes) -> bytes:
        key = hashlib.sha256(self.secret).digest()
        return hashlib.blake2b(of, digest_size=32, key=key, person=f"pin-{purpose}".encode()).digest()

    def _public(self, service: str) -> bytes:
        line = (self.keys / f"{service}.pub").read_text(encoding="utf-8").splitlines()[0]
        return base64.b64decode(line.split()[0])
