"""One connection to one mailbox (IMAP4rev1, RFC 3501, with UIDPLUS, MOVE and IDLE); blocking, for a thread.

What is in its inbox is work that is not done: nothing about it is remembered anywhere else. So it does not
matter under which numbers a mail is found, or in which mailbox. A mail leaves the inbox for another folder,
and by no other way; one that somebody else marked as deleted is none of ours.
"""

import re
import ssl
import time
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from socket import SHUT_RDWR, socket
from threading import Event
from typing import Any, Self

from imapclient import DELETED, IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, IMAPClientAbortError, IMAPClientError, LoginError

from services.notifier.mailbox.settings import Box, MailboxSettings
from shared.config.tls import TlsFiles, loss_of
from shared.errors import MailboxLostError, MailRefusedError
from shared.worker.crash import crash_point

_WINDOW = 5000
"""Mails that are listed at once: the answer is one line, and lines have a limit."""
_GLANCE = 1.0
"""Seconds between two looks at whether to stop, while the server is listened to."""
_FILED = b"$PinFiled"
"""Marks what lies in its folder and is only left to be removed from the inbox."""
_MESSAGE_ID = re.compile(rb"^message-id:\s*(<[!#-\[\]-~]{1,250}>)", re.IGNORECASE | re.MULTILINE)
_LINE_END = re.compile(rb"\r\n|\r|\n")


class Connection:
    """A connection that is logged in; see `open`."""

    def __init__(self, client: IMAPClient, box: Box, most: int) -> None:
        self._client, self._box, self._most = client, box, most
        self._moves = client.has_capability("MOVE")
        self.idles: bool = client.has_capability("IDLE")
        """Whether the server tells of new mail by itself."""
        self._validity: int | None = None
        self._before = 0
        """Mails with lower numbers were there when we came: a process that ended may have filed one half."""
        self._marks = False
        """Whether the server lets us mark mails with a word of our own."""

    @classmethod
    def open(cls, box: Box, settings: MailboxSettings) -> Self:
        """Connect, start TLS, log in, and make the folders that are not there.

        Raises:
            MailboxLostError: any of it failed.
        """
        client = _connected(box, settings)
        try:
            with _login():
                client.login(box.user, box.password.reveal())
            with _told("dropped", "no_folder"):
                _make_folders(client, box.processed, box.unknown)
            connection = cls(client, box, settings.mailbox_largest + 1)
            connection._begin()
        except BaseException:
            _shut(client)
            raise
        return connection

    def _begin(self) -> None:
        """Remove what a process that ended had filed, and not yet removed."""
        found = self._select()
        self._validity, self._before = found.get(b"UIDVALIDITY"), found.get(b"UIDNEXT", 1 << 32)
        self._marks = b"\\*" in found.get(b"PERMANENTFLAGS", ())
        with _told("dropped", "refused"):
            if self._marks and (filed := self._client.search([b"DELETED", b"KEYWORD", _FILED])):
                self._client.uid_expunge(filed)

    def _select(self) -> dict[bytes, Any]:
        with _told("dropped", "no_folder"):
            found: dict[bytes, Any] = self._client.select_folder(self._box.inbox)
        if b"READ-ONLY" in found:
            raise MailboxLostError("read_only")
        return found

    def unread(self, but: Container[int]) -> list[int]:
        """Return the numbers (UIDs) of what is in the inbox, the oldest first, at most some thousands.

        Args:
            but: those that are left aside for now.

        Raises:
            MailboxLostError: the connection is over, or the folder is another since.
        """
        found = self._select()
        if found.get(b"UIDVALIDITY") != self._validity:
            raise MailboxLostError("other_numbers")
        there = int(found[b"EXISTS"])
        for first in range(1, there + 1, _WINDOW):
            window = f"{first}:{min(first + _WINDOW - 1, there)}"
            with _told("dropped", "refused"):
                uids = self._client.search([window, "NOT", "DELETED"])
            if work := sorted(uid for uid in uids if uid not in but):
                return work
        return []

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Return the sizes in bytes of those of these mails that are still there.

        Raises:
            MailboxLostError: the connection is over.
            MailRefusedError: the server does not tell.
        """
        with _told("dropped"):
            found = self._client.fetch(uids, [b"RFC822.SIZE"])
        return {uid: int(parts.get(b"RFC822.SIZE", 0)) for uid, parts in found.items()}

    def mails(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Return those of these mails that are still there: whole, or one byte more than the largest.

        Raises:
            MailboxLostError: the connection is over, perhaps halfway.
            MailRefusedError: the server does not give one of them.
        """
        with _told("dropped"):
            found = self._client.fetch(uids, [f"BODY.PEEK[]<0.{self._most}>"])
        mails = {uid: parts.get(b"BODY[]<0>") for uid, parts in found.items()}
        if any(not raw for raw in mails.values()):
            raise MailRefusedError("a mail without a text")
        return mails

    def file(self, mails: dict[int, bytes], folder: str) -> None:
        """File mails as they are.

        Args:
            mails: as they were read.
            folder: where to.

        Raises:
            MailboxLostError: the connection is over: each lies in the inbox, or in the folder, or in both.
            MailRefusedError: the server refuses; some may be filed.
        """
        if self._moves:
            with _told("dropped"):
                self._client.move(list(mails), folder)
            return
        for uid, raw in mails.items():
            if not self._holds(uid, raw, folder):
                with _told("dropped"):
                    self._client.copy([uid], folder)
            self._remove(uid)

    def replace(self, uid: int, kept: bytes, folder: str) -> None:
        """File something else in place of a mail.

        Args:
            uid: of the mail.
            kept: what is filed.
            folder: where to.

        Raises:
            MailboxLostError, MailRefusedError: as from `file`.
        """
        kept = _LINE_END.sub(b"\r\n", kept)
        if not self._holds(uid, kept, folder):
            with _told("dropped"):
                came = self._client.fetch([uid], [b"INTERNALDATE"]).get(uid, {}).get(b"INTERNALDATE")
                self._client.append(folder, kept, msg_time=came)
        self._remove(uid)

    def _remove(self, uid: int) -> None:
        crash_point("mailbox.placed")
        with _told("dropped"):
            self._client.add_flags([uid], [DELETED, _FILED] if self._marks else [DELETED], silent=True)
            crash_point("mailbox.marked")
            self._client.uid_expunge([uid])

    def _holds(self, uid: int, raw: bytes, folder: str) -> bool:
        """Return whether a folder has this mail, put there by a process that ended before it was done.

        Only of what lay in the inbox when we came. Of two that are the same, byte by byte, one stays.
        """
        if uid >= self._before:
            return False
        size = len(raw)
        sought: list[Any] = ["LARGER", size - 1, *(["SMALLER", size + 1] if size < self._most else [])]
        if found := _MESSAGE_ID.search(raw):
            sought += ["HEADER", "Message-ID", found[1]]
        try:
            with _told("dropped", "refused"):
                self._client.select_folder(folder, readonly=True)
                return any(
                    self._client.fetch([other], [f"BODY.PEEK[]<0.{self._most}>"])[other][b"BODY[]<0>"] == raw
                    for other in self._client.search(sought)
                )
        finally:
            if self._select().get(b"UIDVALIDITY") != self._validity:
                raise MailboxLostError("other_numbers")

    def listen(self, seconds: float, stopping: Event) -> bool:
        """Wait until the server tells of new mail; return whether it did.

        Args:
            seconds: at most.
            stopping: ends the wait, within a second.

        Raises:
            MailboxLostError: the connection is over.
        """
        end = time.monotonic() + seconds
        with _told("dropped", "refused"):
            self._client.idle()
            announced = False
            while not announced and not stopping.is_set() and (left := end - time.monotonic()) > 0:
                glance = min(_GLANCE, left)
                began = time.monotonic()
                answers = self._client.idle_check(glance)
                announced = _announces_mail(answers)
                if not answers and time.monotonic() - began < glance / 2:
                    break  # readable, and nothing there: it ended, which the next line finds out
            last = self._client.idle_done()[1]
        return announced or _announces_mail(last)

    def close(self) -> None:
        """Say good-bye, within a second or two, and disconnect."""
        with suppress(OSError, IMAPClientError):
            self._client.socket().settimeout(_GLANCE)
            self._client.logout()
        _shut(self._client)

    def cut(self) -> None:
        """Disconnect, from another thread: whoever waits for the server waits no longer."""
        with suppress(OSError):
            # Not TLS's own, which takes from the reading thread what it reads with.
            socket.shutdown(self._client.socket(), SHUT_RDWR)


def _announces_mail(answers: Iterable[object]) -> bool:
    return any(isinstance(answer, tuple) and b"EXISTS" in answer for answer in answers)


def _connected(box: Box, settings: MailboxSettings) -> IMAPClient:
    limits = SocketTimeout(
        settings.mailbox_connect_timeout.total_seconds(), settings.mailbox_step_timeout.total_seconds()
    )
    with _told("connect", "no_tls"):
        context = None if box.tls == "none" else TlsFiles(box.ca).context()
        client = IMAPClient(
            box.host, box.port, ssl=box.tls == "implicit", ssl_context=context, timeout=limits
        )
        client.normalise_times = False
        try:
            if box.tls == "starttls":
                client.starttls(context)
        except BaseException:
            _shut(client)
            raise
    return client


def _make_folders(client: IMAPClient, *folders: str) -> None:
    if not client.has_capability("UIDPLUS"):
        # To remove one mail would remove what others marked as deleted.
        raise MailboxLostError("no_uidplus")
    for folder in folders:
        if not client.folder_exists(folder):
            client.create_folder(folder)
            with suppress(IMAPClientError):
                client.subscribe_folder(folder)


def _shut(client: IMAPClient) -> None:
    with suppress(OSError, IMAPClientError):
        client.shutdown()


@contextmanager
def _login() -> Iterator[None]:
    with _told("dropped", "login_refused"):
        try:
            yield
        except LoginError as error:
            # Not the credentials' fault (RFC 5530, 3).
            reason = "unavailable" if "UNAVAILABLE" in str(error) else "login_refused"
            raise MailboxLostError(reason) from None


@contextmanager
def _told(dropped: str, refused: str = "") -> Iterator[None]:
    """Turn what the library raises into our errors, without what the server said.

    Args:
        dropped: the reason where the connection ended.
        refused: the reason where the server says no, if the connection is of no use then.
    """
    try:
        yield
    except (IMAPClientAbortError, EOFError) as error:
        raise MailboxLostError(dropped, type(error).__name__) from None
    except CapabilityError:
        raise MailboxLostError(refused or "refused", "not offered") from None
    except IMAPClientError as error:
        if refused:
            raise MailboxLostError(refused, type(error).__name__) from None
        raise MailRefusedError(type(error).__name__) from None
    except TimeoutError:
        raise MailboxLostError("timeout") from None
    except ssl.SSLCertVerificationError as error:
        raise MailboxLostError("certificate", loss_of(error)) from None
    except OSError as error:
        raise MailboxLostError(dropped, loss_of(error)) from None
