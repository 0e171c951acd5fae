"""A Dovecot to which things happen: what the tests do to `deploy.local.dovecot`'s, beside its users."""

import os
import signal
from collections.abc import Iterable
from pathlib import Path

from deploy.local import dovecot


class Dovecot(dovecot.Dovecot):
    """One server with a mailbox for each user; most is done to that of `dovecot.USER`."""

    def pour(self, mails: Iterable[bytes]) -> None:
        """Deliver many mails at once."""
        with self.client() as client:
            client.multiappend("INBOX", list(mails))

    def make(self, folder: str, *mails: bytes) -> None:
        """Make a folder, in place of one that is there, with other numbers and these mails."""
        with self.client() as client:
            if client.folder_exists(folder):
                client.delete_folder(folder)
            client.create_folder(folder)  # with another UIDVALIDITY
            for mail in mails:
                client.append(folder, mail)

    def recreate(self, folder: str, source: str) -> None:
        """Move everything, in the opposite order, from a folder to another that is made anew."""
        self.make(folder)
        with self.client() as client:
            client.select_folder(source)
            for uid in reversed(client.search()):
                client.copy([uid], folder)
            client.delete_messages(client.search(), silent=True)
            client.expunge()

    def mark_deleted(self) -> None:
        """Mark all that lies in the inbox as deleted, as somebody might by hand."""
        with self.client() as client:
            client.select_folder("INBOX")
            client.delete_messages(client.search(), silent=True)

    def files(self) -> list[Path]:
        """Return the files in which the mails are."""
        return [path for path in (self.root / "mail").rglob("*") if path.is_file()]

    def spoil(self, number: int, user: str = dovecot.USER) -> None:
        """Make one of the mails in an inbox unreadable to the server."""
        inbox = self.root / "mail" / user
        sorted(path for part in ("new", "cur") for path in (inbox / part).iterdir())[number - 1].chmod(0)

    def logged_in(self) -> bool:
        """Return whether anybody has logged in since it was made."""
        return b"Info: Login:" in (self.root / "dovecot.log").read_bytes()

    def freeze(self) -> None:
        """Let it answer nobody any more."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self.process:
            os.killpg(self.process.pid, number)
