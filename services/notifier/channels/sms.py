"""SMS, by an HTTP gateway."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
import orjson
import structlog

from services.notifier.channels.abreast import send_abreast
from services.notifier.channels.gsm import segments
from services.notifier.outcome import Outcome, Postponed, Refused, Sent, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.settings import NotifierSettings
from shared.delivery import Sms

log = structlog.get_logger()

_LARGEST_ANSWER = 64 * 1024
_LONGEST_WAIT = 3600.0
# Below what gateways commonly keep a silent connection for, so that none is used as it is being closed.
_KEEPALIVE_SECONDS = 4.0


class SmsChannel:
    """Posts `{"to", "text", "client_ref"}`; the gateway knows a repeat by its `client_ref`."""

    name = "sms"

    def __init__(self, settings: NotifierSettings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None

    async def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        """Send a batch; see `Channel.send`."""
        return await send_abreast(batch, self._settings.sms_concurrency, self._send_one)

    async def close(self) -> None:
        """Close the connections to the gateway."""
        if self._session:
            await self._session.close()

    async def _send_one(self, outgoing: Outgoing) -> Outcome:
        body = _body(outgoing)
        try:
            # A redirect would carry the half to a place that nobody has set.
            async with self._open().post(self._settings.sms_url, data=body, allow_redirects=False) as answer:
                if answer.status // 100 == 2:  # noqa: PLR2004 - the class of success
                    return Sent(await _reference(answer))
                return classify(answer.status, answer.headers.get("Retry-After"))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return Unreachable("sms_connect")
        except aiohttp.InvalidURL:
            return Unreachable("sms_url")
        except TimeoutError:
            return Postponed("sms_timeout")
        except (aiohttp.ClientError, OSError):
            # It may or may not have been taken; the repeat carries the same client_ref.
            return Postponed("sms_dropped")

    def _open(self) -> aiohttp.ClientSession:
        # Late, because a session belongs to the loop that runs.
        if self._session is None:
            settings = self._settings
            headers = {"Content-Type": "application/json"}
            if token := settings.sms_token.reveal():
                headers["Authorization"] = f"Bearer {token}"
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=settings.sms_concurrency, keepalive_timeout=_KEEPALIVE_SECONDS
                ),
                timeout=aiohttp.ClientTimeout(
                    total=settings.sms_timeout.total_seconds(),
                    connect=settings.sms_connect_timeout.total_seconds(),
                ),
                headers=headers,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def classify(status: int, retry_after: str | None = None, now: datetime | None = None) -> Outcome:
    """Return what an answer other than 2xx means.

    - 400, 422: the gateway will not have this message, now or later.
    - 408, 425: come again. 500: too; it may be this message that upsets the gateway, so it counts an
      attempt, or a batch with one such message in it would go round for ever.
    - 429, 502, 503, 504: nothing to do with the message: wait, count nothing.
    - All others (401 to 404, redirects) speak of our account or settings: what we can put right must
      cost no citizen a PIN.

    Args:
        status: HTTP status.
        retry_after: the header, seconds or a date (RFC 9110, 10.2.3).
        now: to measure the date from.
    """
    reason, wait = f"sms_{status}", _seconds(retry_after, now or datetime.now(UTC))
    match status:
        case 400 | 422:
            return Refused(reason)
        case 408 | 425 | 500:
            return Postponed(reason, wait)
        case _:
            return Unreachable(reason, wait)


def _body(outgoing: Outgoing) -> bytes:
    if not isinstance(outgoing.content, Sms):
        raise TypeError("only an Sms goes by SMS")
    text = outgoing.content.text.reveal()
    if (parts := segments(text)) > 1:
        # Costs more and may arrive in pieces, but arrives: the template is what has to be mended.
        log.warning("sms.too_long", delivery_id=str(outgoing.id), segments=parts)
    return orjson.dumps({"to": outgoing.content.to, "text": text, "client_ref": str(outgoing.id)})


async def _reference(answer: aiohttp.ClientResponse) -> str:
    """Return the gateway's id of an accepted message, empty if the body makes no sense.

    The status is the verdict: what is 2xx was taken, and to repeat it because its body is rubbish,
    too long or never ends would send the citizen the same message again and again.
    """
    try:
        found = orjson.loads(await answer.content.read(_LARGEST_ANSWER))
    except (ValueError, TimeoutError, aiohttp.ClientError, asyncio.IncompleteReadError):
        return ""
    reference = found.get("id", "") if isinstance(found, dict) else ""
    return str(reference)[:100] if isinstance(reference, str | int) else ""


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    if not retry_after:
        return None
    try:
        wait = float(retry_after) if retry_after.isdigit() else _until(retry_after, now)
    except ValueError:
        return None
    return min(max(wait, 0.0), _LONGEST_WAIT)


def _until(date: str, now: datetime) -> float:
    moment = parsedate_to_datetime(date)
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
