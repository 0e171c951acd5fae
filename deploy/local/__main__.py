"""`python -m deploy.local up [--tls]|down|status|env`: the local stack from a terminal."""

import sys
import time
from pathlib import Path

from deploy.errors import StackError
from deploy.local.control import Control
from deploy.local.directory import directory
from deploy.local.processes import CHECKOUT

_USAGE = "usage: python -m deploy.local up [--tls]|down|status|env"


def main(words: list[str]) -> int:
    """Run the command; return 0 on success, 1 on failure, 2 on invalid arguments."""
    began = time.monotonic()
    control = Control(CHECKOUT)
    try:
        match words:
            case ["up"] | ["up", "--tls"]:
                said = control.up(tls="--tls" in words, pages=True)
                print(f"{said}, {time.monotonic() - began:.1f} s; settings in .local/env")
                print("\n".join(directory(CHECKOUT / ".local")))
            case ["down"]:
                print(f"{control.down()}, {time.monotonic() - began:.1f} s")
            case ["status"]:
                print(control.status())
            case ["env"]:
                print(_env(CHECKOUT / ".local/env"), end="")
            case _:
                print(_USAGE, file=sys.stderr)
                return 2
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _env(path: Path) -> str:
    if not path.exists():
        raise StackError("no .local/env yet: run make up")
    return path.read_text()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
