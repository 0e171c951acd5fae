"""The desk of the contact centre: requests in order of arrival, approved or cancelled (R25, R27, R28)."""

from datetime import date, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from deploy.web.answering import Command, message_id_of, shows
from deploy.web.asking import Reply
from deploy.web.console.desk import brought_back, desk, handed_out, operator_of, order
from deploy.web.console.settings import CONTACT_CENTRE
from deploy.web.console.viewer import frame
from deploy.web.forms import Faults, faults_of
from deploy.web.pages import page
from shared.contract.dispositivo import DispositivoCancel
from shared.italy import dates

_SHOWN = "review"
"""The kind of what the queue showed of a request."""
_LIMIT = 20
"""Requests that a page shows: what one operator decides before looking again."""
_REASONS = ("incomplete", "illegible", "mismatch")
_LANGUAGE = "it"


async def queue(request: Request) -> Response:
    """Ask for the queue: on demand alone, as each look at personal data is on record."""
    if request.method == "GET":
        return page(request, "console/review.html", requests=None)
    form = await request.form()
    body = {"limit": _LIMIT}
    return await order(
        request, "dispositivo.review_queue", body, message_id_of(request, form), shown_by="review.queue"
    )


@shows("review.queue")
def queue_shown(request: Request, _: Command, reply: Reply) -> Response:
    """Show the requests in the order in which they came in."""
    if reply["outcome"] == "rejected":
        return _refused(request, reply)
    requests = [
        {**_readable(told), "shown": handed_out(request, _SHOWN, told)} for told in reply["data"]["requests"]
    ]
    return page(request, "console/review.html", requests=requests, full=len(requests) == _LIMIT)


async def one(request: Request) -> Response:
    """Show a request beside its documents."""
    form = await request.form()
    told = brought_back(request, _SHOWN, form.get("shown"))
    return _one(request, told)


def _one(
    request: Request, told: dict[str, Any], faults: Faults | None = None, *, reason: str = "", note: str = ""
) -> Response:
    documents = [(name, frame(request, told[name])) for name in ("signed_form", "document_scan")]
    return page(
        request,
        "console/request.html",
        422 if faults else 200,
        told=_readable(told),
        shown=handed_out(request, _SHOWN, told),
        documents=documents,
        reasons=_REASONS,
        faults=faults or {},
        reason=reason,
        note=note,
    )


async def approve(request: Request) -> Response:
    """Approve what was shown (R25)."""
    form = await request.form()
    told = brought_back(request, _SHOWN, form.get("shown"))
    return await order(
        request,
        "dispositivo.approve",
        _named(told),
        message_id_of(request, form),
        shown_by="review.approved",
        told=told,
    )


@shows("review.approved")
def approved(request: Request, command: Command, reply: Reply) -> Response:
    """Show when the PIN becomes dispositivo (R29), or why the request was not approved."""
    if reply["outcome"] == "rejected":
        return _refused(request, reply)
    data, told = reply["data"], command.context["told"]
    effective_at = dates.instant(datetime.fromisoformat(data["effective_at"]), _LANGUAGE)
    now = {**told, "seen": data["seen"]} if data.get("seen") else told
    return page(
        request,
        "console/approved.html",
        told=_readable(told),
        effective_at=effective_at,
        shown=handed_out(request, _SHOWN, now),
    )


async def cancel(request: Request) -> Response:
    """Cancel what was shown, with the reason that the citizen is told (R28)."""
    form = await request.form()
    told = brought_back(request, _SHOWN, form.get("shown"))
    reason, note = str(form.get("reason", "")), str(form.get("note", "")).strip()
    body = {**_named(told), "note": note, **({"reason": reason} if reason else {})}
    if faults := faults_of(DispositivoCancel, {**body, "operator": operator_of(request)}):
        return _one(request, told, faults, reason=reason, note=note)
    message_id = message_id_of(request, form)
    return await order(
        request, "dispositivo.cancel", body, message_id, shown_by="review.cancelled", told=told, reason=reason
    )


@shows("review.cancelled")
def cancelled(request: Request, command: Command, reply: Reply) -> Response:
    """Show that the request is cancelled, or why it is not."""
    if reply["outcome"] == "rejected":
        return _refused(request, reply)
    told, reason = command.context["told"], command.context["reason"]
    return page(request, "console/cancelled.html", told=_readable(told), reason=reason)


def _named(told: dict[str, Any]) -> dict[str, Any]:
    """Return what a decision names the request by, with the `seen` of what was shown."""
    return {key: told[key] for key in ("codice_fiscale", "request_id", "seen") if told.get(key)}


def _readable(told: dict[str, Any]) -> dict[str, Any]:
    """Return a request with its dates as operators read them."""
    document = told["document"]
    days = {key: _day(document[key]) for key in ("issued_on", "expires_on")}
    arrived = dates.instant(datetime.fromisoformat(told["received_at"]), _LANGUAGE)
    return {
        **told,
        "birth_date": _day(told["birth_date"]),
        "received_at": arrived,
        "document": {**document, **days},
    }


def _day(text: str) -> str:
    return dates.day(date.fromisoformat(text), _LANGUAGE)


def _refused(request: Request, reply: Reply) -> Response:
    return page(request, "console/refused.html", 409, code=reply["code"], again="review")


ROUTES = [
    desk("/review", queue, name="review", roles={CONTACT_CENTRE}, methods=("GET", "POST")),
    desk("/review/request", one, name="review.request", roles={CONTACT_CENTRE}, methods=("POST",)),
    desk("/review/approve", approve, name="review.approve", roles={CONTACT_CENTRE}, methods=("POST",)),
    desk("/review/cancel", cancel, name="review.cancel", roles={CONTACT_CENTRE}, methods=("POST",)),
]
