"""`python -m deploy.web portal|console`: serves the pages, by HTTP, until it is asked to end."""

import asyncio
import os
import sys
from importlib import import_module

import structlog
import uvicorn
from starlette.applications import Starlette

from deploy.web.settings import WebSettings
from shared.config import logs
from shared.config.settings import PlaintextSettings, unknown
from shared.errors import SetupError
from shared.worker.health import Health

_APPLICATIONS = ("portal", "console")
_FAREWELL = 8
"""Seconds for the requests that are under way when it is asked to end."""


async def _serve(app: Starlette, settings: WebSettings) -> None:
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.web_host,
            port=settings.web_port,
            access_log=False,  # its lines hold queries, and those tokens; see `deploy.web.protection`
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_FAREWELL,
        )
    )

    def missing() -> list[str]:
        commands = getattr(app.state, "commands", None)
        return [] if server.started and commands and commands.ready else ["broker"]

    health = Health(missing)
    await health.start(settings.health_host, settings.health_port)
    try:
        await server.serve()
    finally:
        await health.stop()


def main(words: list[str]) -> int:
    """Serve an application; return 0 at its end, 2 if the arguments or the settings are not right."""
    if len(words) != 1 or words[0] not in _APPLICATIONS:
        sys.stderr.write("usage: python -m deploy.web portal|console\n")
        return 2
    (kind,) = words
    try:
        module = import_module(f"deploy.web.{kind}")
        settings = module.SETTINGS.load(os.environ)
    except SetupError as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    logs.configure(f"web-{kind}", settings.log_level)
    log = structlog.get_logger()
    for setting, nearest in unknown(os.environ, (module.SETTINGS, PlaintextSettings)).items():
        log.warning("settings.unknown", setting=setting, nearest=nearest)
    log.info("web.started", url=settings.web_url)
    asyncio.run(_serve(module.application(settings), settings))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
