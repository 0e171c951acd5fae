"""Which system user runs a server: Postgres refuses to run as root."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import StackError


@dataclass(frozen=True)
class OsUser:
    """A system user, or nobody in particular: whoever runs the stack."""

    user: str | None = None

    @classmethod
    def of_server(cls, user: str) -> "OsUser":
        """Return that user when we are root, else ourselves.

        Raises:
            StackError: when we are root and the user does not exist.
        """
        if os.geteuid() != 0:
            return cls()
        try:
            pwd.getpwnam(user)
        except KeyError:
            raise StackError(f"no system user {user!r}: run deploy/bootstrap") from None
        return cls(user)

    def own(self, path: Path) -> None:
        """Make the directory where it is missing, and hand it to this user alone."""
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
        self.give(path)

    def give(self, path: Path) -> None:
        """Hand a file or directory to this user."""
        if self.user:
            account = pwd.getpwnam(self.user)
            os.chown(path, account.pw_uid, account.pw_gid)

    def switches(self, home: Path) -> list[str]:
        """Return the `setpriv` switches that make a program run as this user in `home`."""
        if not self.user:
            return []
        switches = ["--reuid", self.user, "--regid", self.user, "--clear-groups"]
        if not _open_to_all(home):
            # A checkout below /root, say: the user may own its directory and yet not reach it.
            switches += ["--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"]
        return switches


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.absolute().parents)
