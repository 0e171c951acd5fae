"""The print provider's side of sealed letters: makes a key, and opens what was sealed to it.

Needs PyNaCl and nothing of this project:

    python open_letters.py make printer           writes printer.key (keep it) and printer.pub (send it)
    python open_letters.py open printer.key SPOOL OUT

For each manifest in the folder SPOOL the second writes the document, checked and opened, into the folder OUT.
"""

import base64
import hashlib
import json
import os
import sys
from pathlib import Path

from nacl import bindings
from nacl.public import PrivateKey, SealedBox

MAGIC = b"PIN-LETTERS-1\n"
CHUNK = 64 * 1024 + bindings.crypto_secretstream_xchacha20poly1305_ABYTES
BOX = bindings.crypto_secretstream_xchacha20poly1305_KEYBYTES + bindings.crypto_box_SEALBYTES
HEADER = bindings.crypto_secretstream_xchacha20poly1305_HEADERBYTES


def opened(sealed: bytes, key: PrivateKey) -> bytes:
    """Return the document in a sealed one.

    Raises:
        ValueError: it is no sealed document, or cut off.
        nacl.exceptions.CryptoError: it is not sealed to this key, or changed.
        RuntimeError: a chunk was changed.
    """
    if not sealed.startswith(MAGIC):
        raise ValueError("not a sealed document")
    box, header, rest = len(MAGIC), len(MAGIC) + BOX, len(MAGIC) + BOX + HEADER
    stream_key = SealedBox(key).decrypt(sealed[box:header])
    state = bindings.crypto_secretstream_xchacha20poly1305_state()
    bindings.crypto_secretstream_xchacha20poly1305_init_pull(state, sealed[header:rest], stream_key)
    document, tag = [], None
    for start in range(rest, len(sealed), CHUNK):
        if tag == bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL:
            raise ValueError("something follows the last chunk")
        chunk, tag = bindings.crypto_secretstream_xchacha20poly1305_pull(state, sealed[start : start + CHUNK])
        document.append(chunk)
    if tag != bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL:
        raise ValueError("the document is cut off")
    return b"".join(document)


def make(name: str) -> None:
    """Make a pair of keys; an existing one is never replaced."""
    key = PrivateKey.generate()
    for suffix, mode, raw in ((".key", 0o600, bytes(key)), (".pub", 0o644, bytes(key.public_key))):
        with os.fdopen(os.open(name + suffix, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            file.write(base64.b64encode(raw).decode() + "\n")


def open_all(key: PrivateKey, spool: Path, out: Path) -> None:
    """Open the document of each manifest."""
    for manifest in sorted(spool.glob("*.json")):
        told = json.loads(manifest.read_bytes())
        content = (spool / told["document"]).read_bytes()
        if hashlib.sha256(content).hexdigest() != told["sha256"]:
            raise ValueError(f"{told['document']} is not what its manifest says")
        document = opened(content, key) if "sealed_to" in told else content
        path = out / f"{manifest.stem}.pdf"
        path.touch(mode=0o600)
        path.write_bytes(document)


def main(words: list[str]) -> int:
    """Run the command line."""
    match words:
        case ["make", name]:
            make(name)
        case ["open", file, spool, out]:
            key = PrivateKey(base64.b64decode(Path(file).read_text(encoding="ascii")))
            open_all(key, Path(spool), Path(out))
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
