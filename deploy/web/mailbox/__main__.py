"""`python -m deploy.web.mailbox STATE PORT`: what a local stack captured, for this machine only."""

import os
import sys
from pathlib import Path

import uvicorn

from deploy.local.ports import HOST
from deploy.web.mailbox import application
from shared.config import logs

_LARGEST_PORT = 65_535


def main(words: list[str]) -> int:
    """Serve the page; return 0 at its end, 2 if there is no local stack in the folder."""
    match words:
        case [folder, port] if port.isascii() and port.isdigit() and int(port) <= _LARGEST_PORT:
            state = Path(folder)
        case _:
            sys.stderr.write("usage: python -m deploy.web.mailbox STATE PORT\n")
            return 2
    if state.name != ".local" or not (state / "captured").is_dir():
        sys.stderr.write(f"{state} is no local stack's .local: this page is for what one captured\n")
        return 2
    logs.configure("web-mailbox", "info")
    told = {name: os.environ.get(f"PIN_WEB_{name.upper()}_URL", "") for name in ("portal", "console")}
    app = application(state, {name: url for name, url in told.items() if url})
    # No setting makes it listen anywhere else.
    uvicorn.run(
        app,
        host=HOST,
        port=int(port),
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
