"""SMS, through an HTTP gateway."""

import asyncio

import aiohttp
import orjson
import structlog

from services.notifier.channels.answers import sms_answer
from services.notifier.channels.sms_text import sms_of
from services.notifier.outcome import Answer, Doubtful, Sent, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.settings import NotifierSettings
from shared.config.tls import TlsFiles

log = structlog.get_logger()

_LARGEST_ANSWER = 64 * 1024
_EXPLAINED = frozenset({400, 410, 422})
"""Refusals whose body may say that the number is no mobile."""
# Below the usual idle timeout of gateways, so that no connection is used while it is being closed.
_KEEPALIVE_SECONDS = 4.0


class HttpGateway:
    """Posts `{"to", "text", "client_ref"}`; the gateway recognises a retry by its `client_ref`."""

    def __init__(self, settings: NotifierSettings, name: str = "sms") -> None:
        self.name = name
        self.concurrency = settings.sms_concurrency
        self.upkeep = None
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections to the gateway."""
        if self._session:
            await self._session.close()

    async def send(self, outgoing: Outgoing) -> Answer:
        """Send one SMS; see `Provider.send`."""
        body = _body(outgoing)
        try:
            # A redirect would send the half to a host that is not configured.
            async with self._open().post(
                self._settings.sms_url, data=body, headers=self._trace(outgoing), allow_redirects=False
            ) as answer:
                if answer.status // 100 == 2:  # noqa: PLR2004 - the class of success
                    return Sent(_reference(await _field(answer, "id")))
                retry_after = answer.headers.get("Retry-After")
                # What it perhaps has was tried before, whether that counted or not.
                tries = outgoing.attempt + (outgoing.held is not None)
                code = await _field(answer, "code") if answer.status in _EXPLAINED else None
                return sms_answer(answer.status, retry_after, attempt=tries, code=code)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Unreachable("sms_tls" if isinstance(error, aiohttp.ClientSSLError) else "sms_connect")
        except aiohttp.InvalidURL:
            return Unreachable("sms_url")
        except TimeoutError:
            return Doubtful("sms_timeout", perhaps_taken=True)
        except (aiohttp.ClientError, OSError):
            # It may have been accepted; the retry carries the same client_ref.
            return Doubtful("sms_dropped", perhaps_taken=True)

    def _trace(self, outgoing: Outgoing) -> dict[str, str] | None:
        if outgoing.span and self._settings.sms_traceparent:
            return {"traceparent": outgoing.span.traceparent}
        return None

    def _open(self) -> aiohttp.ClientSession:
        # Created late: a session belongs to the running event loop.
        if self._session is None:
            settings = self._settings
            headers = {"Content-Type": "application/json"}
            if token := settings.sms_token.reveal():
                headers["Authorization"] = f"Bearer {token}"
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=settings.sms_concurrency,
                    keepalive_timeout=_KEEPALIVE_SECONDS,
                    ssl=TlsFiles(settings.sms_ca).context() if settings.sms_ca else True,
                ),
                timeout=aiohttp.ClientTimeout(
                    total=settings.sms_timeout.total_seconds(),
                    connect=settings.sms_connect_timeout.total_seconds(),
                ),
                headers=headers,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def _body(outgoing: Outgoing) -> bytes:
    sms, _ = sms_of(outgoing, log)
    return orjson.dumps({"to": sms.to, "text": sms.text.reveal(), "client_ref": str(outgoing.id)})


async def _field(answer: aiohttp.ClientResponse, name: str) -> object:
    """Return a field of the body's JSON object, None if there is none or the body is unreadable.

    Only the status decides: 2xx was accepted. A retry because the body is invalid, too long or endless
    would send the citizen the same message repeatedly.
    """
    try:
        found = orjson.loads(await answer.content.read(_LARGEST_ANSWER))
    except (ValueError, TimeoutError, aiohttp.ClientError, asyncio.IncompleteReadError):
        return None
    return found.get(name) if isinstance(found, dict) else None


def _reference(id_: object) -> str:
    """Return the gateway's id of an accepted message, empty if it gave none."""
    return str(id_)[:100] if isinstance(id_, str | int) else ""
