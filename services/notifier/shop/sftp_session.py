"""One SFTP session with the print shop: pinned host key, limits in time, every failure a stable reason."""

import asyncio
import stat
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar, cast

import asyncssh

from services.notifier.shop.wire_settings import ShopWireSettings, host_keys
from shared.crypto.keys import private_text
from shared.errors import KeyFileError, ShopUnreachableError

CHUNK: Final = 1 << 20
"""Bytes that have to pass within one step."""
_BLOCK: Final = 32 * 1024
"""Bytes of one request to write: what every server takes."""
_MOST_FILES: Final = 10_000
"""Files of a folder that are looked at; a shop that leaves more is served in turn."""
_LEAST_SPACE: Final = 1 << 20
"""A disk with less free space is full."""
_KEEPALIVE: Final = 15
"""Seconds after which a silent server is asked whether it lives."""
_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (asyncssh.HostKeyNotVerifiable, "shop_host_key"),
    (asyncssh.KeyExchangeFailed, "shop_host_key"),  # it has no key of the kinds that are accepted
    (asyncssh.PermissionDenied, "shop_login_refused"),
    (asyncssh.SFTPPermissionDenied, "shop_permission_denied"),
    (asyncssh.SFTPNoSuchFile, "shop_no_such_file"),
    (asyncssh.SFTPNoSpaceOnFilesystem, "shop_disk_full"),
    (asyncssh.SFTPQuotaExceeded, "shop_disk_full"),
    (asyncssh.SFTPConnectionLost, "shop_dropped"),
    (asyncssh.SFTPNoConnection, "shop_dropped"),
    (asyncssh.SFTPError, "shop_failure"),
    (asyncssh.Error, "shop_dropped"),
    (TimeoutError, "shop_timeout"),
    (OSError, "shop_unreachable"),
)
"""What each failure is called; the first that fits. What the server writes beside it is never shown."""
_TAKEN: Final = (asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists)
"""How a server says that a name is taken, among others."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file in a folder of the shop.

    Attributes:
        name: in its folder.
        size: in bytes.
        modified_at: seconds since 1970, by the server's clock.
    """

    name: str
    size: int
    modified_at: int


class SftpSession:
    """An open session. Each method is one request, or some, each with its limit in time.

    Every method raises `ShopUnreachableError`, after which the session is of no more use.
    """

    def __init__(self, sftp: asyncssh.SFTPClient, limit: float) -> None:
        self._sftp, self._limit, self._syncs = sftp, limit, True

    async def _step(self, request: Awaitable[_T], *passed: type[Exception]) -> _T:
        """Wait for one request; failures in `passed` are the caller's."""
        try:
            async with asyncio.timeout(self._limit):
                return await request
        except passed:
            raise
        except (asyncssh.Error, OSError) as error:
            raise ShopUnreachableError(reason_of(error)) from None

    async def files(self, folder: str) -> list[Entry]:
        """Return the regular files of a folder, some thousands at most; none if there is no folder."""
        try:
            return await self._step(self._files(folder), asyncssh.SFTPNoSuchFile)
        except asyncssh.SFTPNoSuchFile:
            return []

    async def _files(self, folder: str) -> list[Entry]:
        found: list[Entry] = []
        async for name in self._sftp.scandir(folder):
            if name.attrs.permissions is not None and stat.S_ISREG(name.attrs.permissions):
                found.append(Entry(str(name.filename), name.attrs.size or 0, int(name.attrs.mtime or 0)))
            if len(found) == _MOST_FILES:
                break
        return found

    async def status(self, path: str) -> Entry | None:
        """Return what is known of a file, or None if there is none."""
        try:
            attrs = await self._step(self._sftp.stat(path), asyncssh.SFTPNoSuchFile)
        except asyncssh.SFTPNoSuchFile:
            return None
        return Entry(path, attrs.size or 0, int(attrs.mtime or 0))

    async def read(self, path: str, most: int) -> bytes | None:
        """Return a small file, its first `most` bytes; None if there is none."""
        try:
            file = await self._step(self._sftp.open(path, "rb", block_size=0), asyncssh.SFTPNoSuchFile)
        except asyncssh.SFTPNoSuchFile:
            return None
        content = b""
        while len(content) < most and (more := await self._step(file.read(most - len(content)))):
            content += cast("bytes", more)
        await self._step(file.close())
        return content

    async def write(self, path: str, content: bytes) -> None:
        """Write a new file durably, and see that it is there whole."""
        # The library's own parallel writes leave failures behind that nobody fetches: these are ours.
        file = await self._step(self._sftp.open(path, "xb", block_size=0))
        try:
            for begin in range(0, len(content), CHUNK):
                blocks = [
                    file.write(content[at : min(at + _BLOCK, begin + CHUNK)], at)
                    for at in range(begin, min(begin + CHUNK, len(content)), _BLOCK)
                ]
                await self._step(asyncio.gather(*blocks), asyncssh.SFTPFailure)
            await self._sync(file)
            await self._step(file.close())
        except asyncssh.SFTPFailure:
            raise ShopUnreachableError(await self._why(path)) from None
        there = await self.status(path)
        if there is None or there.size != len(content):
            raise ShopUnreachableError("shop_incomplete")

    async def _sync(self, file: asyncssh.SFTPClientFile) -> None:
        if self._syncs:
            try:
                await self._step(file.fsync(), asyncssh.SFTPOpUnsupported, asyncssh.SFTPFailure)
            except asyncssh.SFTPOpUnsupported:
                self._syncs = False

    async def _why(self, path: str) -> str:
        """Return why a file could not be written: SFTP 3 has one word for all of that."""
        with suppress(ShopUnreachableError):
            disk = await self._step(self._sftp.statvfs(path))
            if (disk.bavail or 0) * (disk.frsize or 0) < _LEAST_SPACE:
                return "shop_disk_full"
        return "shop_failure"

    async def move(self, path: str, to: str) -> bool:
        """Rename a file, over what has that name; return False if there is none of it."""
        try:
            await self._step(self._sftp.posix_rename(path, to), asyncssh.SFTPNoSuchFile)
        except asyncssh.SFTPNoSuchFile:
            return False
        return True

    async def place(self, path: str, to: str) -> bool:
        """Rename a file to a name that nothing may have; return False if something has it."""
        try:
            await self._step(
                self._sftp.rename(path, to), asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists
            )
        except (asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists):
            if await self.status(to) is None:
                raise ShopUnreachableError("shop_failure") from None
            return False
        return True

    async def remove(self, path: str) -> None:
        """Delete a file, if it is there."""
        with suppress(asyncssh.SFTPNoSuchFile):
            await self._step(self._sftp.remove(path), asyncssh.SFTPNoSuchFile)

    async def make_folder(self, path: str) -> None:
        """Make a folder unless it is there."""
        await self._step(self._sftp.makedirs(path, exist_ok=True))


class SftpDoor:
    """Opens sessions with one server as one user. Reads its files at once.

    Args:
        settings: with a shop.

    Raises:
        KeyFileError: our key cannot be read, is none, or others may read it.
    """

    def __init__(self, settings: ShopWireSettings) -> None:
        self._settings = settings
        self._key = _ssh_key(settings.shop_key)
        # Never empty, which for asyncssh would be to accept any: the settings see to that, and so does this.
        keys = host_keys(settings.shop_host_key)
        if not keys:
            raise KeyFileError("PIN_SHOP_HOST_KEY: no key")
        self._trusted: Sequence[asyncssh.SSHKey] = [asyncssh.import_public_key(key) for key in keys]

    @asynccontextmanager
    async def session(self) -> AsyncIterator[SftpSession]:
        """Open a session for a block, which is bounded by the limit of a transfer.

        Raises:
            ShopUnreachableError: it cannot be opened, or the block takes too long.
        """
        connection = await self._connect()
        try:
            async with asyncio.timeout(self._settings.shop_transfer_timeout.total_seconds()) as limit:
                yield SftpSession(
                    await self._sftp(connection), self._settings.shop_step_timeout.total_seconds()
                )
        except TimeoutError:
            if not limit.expired():
                raise
            raise ShopUnreachableError("shop_transfer_timeout") from None
        finally:
            # Not a polite farewell, which a server that hangs would never answer.
            connection.abort()

    async def _connect(self) -> asyncssh.SSHClientConnection:
        settings = self._settings
        try:
            async with asyncio.timeout(settings.shop_connect_timeout.total_seconds()):
                return await asyncssh.connect(
                    settings.shop_host,
                    settings.shop_port,
                    username=settings.shop_user,
                    client_keys=[self._key],
                    known_hosts=(self._trusted, [], []),
                    preferred_auth="publickey",
                    # Nothing of this machine's own: no agent, no configuration.
                    agent_path=None,
                    config=None,
                    keepalive_interval=_KEEPALIVE,
                )
        except TimeoutError:
            raise ShopUnreachableError("shop_connect_timeout") from None
        except (asyncssh.Error, OSError, ValueError) as error:
            raise ShopUnreachableError(reason_of(error)) from None

    async def _sftp(self, connection: asyncssh.SSHClientConnection) -> asyncssh.SFTPClient:
        try:
            async with asyncio.timeout(self._settings.shop_step_timeout.total_seconds()):
                # The shop may give files names that are no UTF-8.
                return await connection.start_sftp_client(path_errors="surrogateescape")
        except (asyncssh.Error, OSError) as error:
            raise ShopUnreachableError(reason_of(error)) from None


def reason_of(error: Exception) -> str:
    """Return the stable word for a failure."""
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), "shop_failure")


def _ssh_key(path: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(private_text(Path(path)))
    except (asyncssh.KeyImportError, ValueError):
        raise KeyFileError(f"{path}: no SSH key without a passphrase") from None
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from None
