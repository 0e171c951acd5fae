"""Liveness and readiness over HTTP: `/live` and `/ready`."""

from collections.abc import Callable

from aiohttp import web


class Health:
    """Answers 200 or 503 on `/live` and `/ready`.

    `/live` is 200 while the event loop turns. `/ready` is 200 while the worker holds a ledger, a broker
    session and a consumer that the broker has confirmed; its body says which of them is missing.
    """

    def __init__(self, missing: Callable[[], list[str]]) -> None:
        self._missing = missing
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 means: do not."""
        if not port:
            return
        app = web.Application()
        app.add_routes([web.get("/live", self._live), web.get("/ready", self._ready)])
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()

    async def _live(self, _: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def _ready(self, _: web.Request) -> web.Response:
        missing = self._missing()
        return web.json_response({"ready": not missing, "missing": missing}, status=503 if missing else 200)

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()
