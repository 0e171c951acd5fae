"""The contact centre: reviews requests in order of arrival and decides them (R25, R28)."""

import asyncio
from typing import Any, Final, Literal

from deploy.demo.profile import OPERATOR
from deploy.demo.session import WENT_WRONG, Session
from deploy.errors import UnexpectedAnswerError

Reason = Literal["incomplete", "illegible", "mismatch"]
REASONS: Final[tuple[Reason, ...]] = ("incomplete", "illegible", "mismatch")
_MOST = 100


class ContactCentre:
    """An operator's console. It ignores requests from outside this demonstration."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._verdicts: dict[str, Reason | None] = {}
        self._decided: dict[str, asyncio.Future[None]] = {}
        self._work = asyncio.Event()

    async def decides(self, request_id: str, against: Reason | None = None) -> None:
        """Wait until the operator has approved a request, or cancelled it for a reason."""
        self._verdicts[request_id] = against
        self._decided[request_id] = decided = asyncio.get_running_loop().create_future()
        self._work.set()
        await decided

    async def work(self) -> None:
        """Fetch the queue whenever a request arrives, and decide its requests; runs until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            await self._review()

    async def _review(self) -> None:
        """Decide page by page: decided requests leave the queue, so the next page shows the rest."""
        while self._verdicts:
            try:
                ours = await self._ours()
            except WENT_WRONG as error:
                self._fail(error)
            else:
                await asyncio.gather(*map(self._decide, ours))

    async def _ours(self) -> list[dict[str, Any]]:
        body = {"operator": OPERATOR, "limit": _MOST}
        _, data = await self._session.ask("dispositivo.review_queue", body, by="operator")
        ours = [request for request in data["requests"] if request["request_id"] in self._verdicts]
        if not ours:
            raise UnexpectedAnswerError("the review queue does not show what was handed in")
        return ours

    async def _decide(self, request: dict[str, Any]) -> None:
        request_id = request["request_id"]
        against, decided = self._verdicts.pop(request_id), self._decided.pop(request_id)
        body = {
            "codice_fiscale": request["codice_fiscale"],
            "request_id": request_id,
            "operator": OPERATOR,
            "seen": request["seen"],
            **({"reason": against} if against else {}),
        }
        type_ = "dispositivo.cancel" if against else "dispositivo.approve"
        try:
            await self._session.ask(type_, body, by="operator")
        except WENT_WRONG as error:
            decided.set_exception(error)
        else:
            decided.set_result(None)

    def _fail(self, error: Exception) -> None:
        for decided in self._decided.values():
            decided.set_exception(error)
        self._verdicts.clear()
        self._decided.clear()
