"""The way to every page of the console, in every state that it can be in."""

from copy import deepcopy
from typing import Any

from shared.contract.examples import COMMAND_EXAMPLES, REPLY_EXAMPLES
from tests.web.kit.applications import OPERATOR, PASSWORD, Application
from tests.web.kit.fake_workers import NEVER, NOT_TAKEN
from tests.web.kit.papers import CITIZEN, DETAILS, jpeg, pdf, typed
from tests.web.kit.people import come_in, mark_of
from tests.web.kit.visitor import Seen, Visitor
from tests.web.kit.ways import Ways

WAYS = Ways("console")
way = WAYS.way
REQUEST_ID = str(COMMAND_EXAMPLES["dispositivo.approve"]["request_id"])


# ---- the door


@way("log-in")
async def log_in(visitor: Visitor, _: Application) -> Seen:
    return await visitor.open("/log-in")


@way("log-in: a wrong password", status=422)
async def log_in_wrong(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await log_in(visitor, of), "/log-in", id=OPERATOR.id, password="wrong")


@way("log-in: too many tries", status=429)
async def log_in_too_often(visitor: Visitor, of: Application) -> Seen:
    page = await log_in(visitor, of)
    for _ in range(6):
        page = await visitor.send(page, "/log-in", id="op-somebody", password="wrong")
    return page


@way("home")
async def home(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await log_in(visitor, of), "/log-in", id=OPERATOR.id, password=PASSWORD)


@way("log-out")
async def log_out(visitor: Visitor, of: Application) -> Seen:
    session = come_in(visitor, of)
    return await visitor.post("/log-out", {"csrf": mark_of(of, session)})


# ---- the contact centre: the queue


async def kept(of: Application) -> dict[str, Any]:
    """Return a reply of the queue whose documents are in the store."""
    told = deepcopy(dict(REPLY_EXAMPLES["dispositivo.review_queue"]))
    form = await of.app.state.documents.keep(pdf(), "application/pdf")
    scan = await of.app.state.documents.keep(jpeg(), "image/jpeg")
    told["requests"][0] |= {"signed_form": form, "document_scan": scan}
    return told


@way("review: before the look")
async def review(visitor: Visitor, of: Application) -> Seen:
    come_in(visitor, of)
    return await visitor.open("/review")


@way("review: the queue")
async def queue(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers.setdefault("dispositivo.review_queue", await kept(of))
    return await visitor.send(await review(visitor, of), "/review")


@way("review: nothing to decide")
async def queue_empty(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["dispositivo.review_queue"] = lambda _: {"requests": []}
    return await visitor.send(await review(visitor, of), "/review")


@way("review: too many looks", status=409)
async def queue_refused(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["dispositivo.review_queue"] = "too_many_lookups"
    return await visitor.send(await review(visitor, of), "/review")


@way("review: a request")
async def one(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await queue(visitor, of), "/review/request")


@way("review: approved")
async def approved(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await one(visitor, of), "/review/approve")


@way("review: changed since seen", status=409)
async def changed(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["dispositivo.approve"] = "changed_since_seen"
    return await approved(visitor, of)


@way("review: cancelled")
async def cancelled(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await one(visitor, of), "/review/cancel", reason="illegible", note="Pagina 2.")


@way("review: cancelled without a reason", status=422)
async def cancelled_wrong(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await one(visitor, of), "/review/cancel")


async def address_of_document(visitor: Visitor, of: Application) -> str:
    """Return the address of the frame beside a request."""
    page = await one(visitor, of)
    return page.html.partition('src="/document/')[2].partition('"')[0]


@way("document: in its frame")
async def document(visitor: Visitor, of: Application) -> Seen:
    return await visitor.open(f"/document/{await address_of_document(visitor, of)}")


@way("document: of another store", status=502)
async def document_elsewhere(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["dispositivo.review_queue"] = dict(REPLY_EXAMPLES["dispositivo.review_queue"])
    return await document(visitor, of)


@way("document: a page of it", html=False)
async def document_page(visitor: Visitor, of: Application) -> Seen:
    return await visitor.open(f"/document/{await address_of_document(visitor, of)}/1.jpg")


# ---- the contact centre: fax and telephone


@way("fax")
async def fax(visitor: Visitor, of: Application) -> Seen:
    come_in(visitor, of)
    return await visitor.open("/fax")


@way("fax: no document", status=422)
async def fax_wrong(visitor: Visitor, of: Application) -> Seen:
    page = await fax(visitor, of)
    return await visitor.send(page, "/fax", files={"signed_form": ("a.pdf", b"MZ", "application/pdf")})


@way("fax: its details")
async def fax_details(visitor: Visitor, of: Application) -> Seen:
    page = await fax(visitor, of)
    return await visitor.send(page, "/fax", files={"signed_form": ("a.pdf", pdf(), "application/pdf")})


@way("fax: details with faults", status=422)
async def fax_details_wrong(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await fax_details(visitor, of), "/fax/submit")


@way("fax: submitted")
async def fax_submitted(visitor: Visitor, of: Application) -> Seen:
    page = await fax_details(visitor, of)
    return await visitor.send(page, "/fax/submit", DETAILS, request_id=REQUEST_ID, codice_fiscale=CITIZEN)


@way("phone")
async def phone(visitor: Visitor, of: Application) -> Seen:
    come_in(visitor, of)
    return await visitor.open("/phone")


@way("phone: with faults", status=422)
async def phone_wrong(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await phone(visitor, of), "/phone", codice_fiscale="X")


@way("phone: to be confirmed")
async def phone_sure(visitor: Visitor, of: Application) -> Seen:
    page = await phone(visitor, of)
    return await visitor.send(page, "/phone", codice_fiscale=CITIZEN, reason="Persa la prima parte.")


@way("phone: revoked")
async def phone_revoked(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await phone_sure(visitor, of), "/phone/revoke")


@way("phone: no PIN", status=409)
async def phone_refused(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["revoke.by_contact_centre"] = "no_live_pin"
    return await phone_revoked(visitor, of)


# ---- the branch


@way("branch")
async def branch(visitor: Visitor, of: Application) -> Seen:
    come_in(visitor, of)
    return await visitor.open("/branch")


@way("branch: with faults", status=422)
async def branch_wrong(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await branch(visitor, of), "/branch", codice_fiscale="X")


@way("branch: a person")
async def person(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await branch(visitor, of), "/branch", codice_fiscale=CITIZEN)


@way("branch: a person of whom no document is known")
async def person_without(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["branch.lookup"] = {**REPLY_EXAMPLES["branch.lookup"], "document": None}
    return await person(visitor, of)


@way("branch: no PIN", status=409)
async def person_refused(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["branch.lookup"] = "no_active_pin"
    return await person(visitor, of)


@way("branch: activated without a look at the person", status=422)
async def activated_wrong(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await person(visitor, of), "/branch/activate")


@way("branch: activated")
async def activated(visitor: Visitor, of: Application) -> Seen:
    page = await person(visitor, of)
    corrected = {"document.number": "CA99999ZZ", "recognised": "yes"}
    return await visitor.send(page, "/branch/activate", corrected)


@way("recognition")
async def recognition(visitor: Visitor, of: Application) -> Seen:
    come_in(visitor, of)
    return await visitor.open("/recognition")


@way("recognition: with faults", status=422)
async def recognition_wrong(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await recognition(visitor, of), "/recognition")


@way("recognition: asked for")
async def recognised(visitor: Visitor, of: Application) -> Seen:
    page = await recognition(visitor, of)
    person = typed(COMMAND_EXAMPLES["pin.request"])
    person["birth_date"] = str(COMMAND_EXAMPLES["pin.request"]["birth_date"])
    document = {f"recognition.{name}": text for name, text in DETAILS.items()}
    ways = page.form("/recognition").choices.get("recognition.kind", ("de_visu",))
    return await visitor.send(
        page, "/recognition", person | document | {"recognition.kind": ways[0], "recognised": "yes"}
    )


# ---- supervision: what needs the broker itself is looked at on a stack, in `test_figures.py`


@way("supervision: while the broker does not answer", status=503)
async def supervision(visitor: Visitor, of: Application) -> Seen:
    come_in(visitor, of)
    return await visitor.open("/supervision")


@way("supervision: dead letters, while the broker does not answer", status=503)
async def dead_letters(visitor: Visitor, of: Application) -> Seen:
    come_in(visitor, of)
    return await visitor.open("/supervision/dead")


@way("supervision: the way of a message, to be asked for")
async def timeline(visitor: Visitor, of: Application) -> Seen:
    come_in(visitor, of)
    return await visitor.open("/supervision/timeline")


@way("supervision: the way of a message")
async def timeline_found(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await timeline(visitor, of), "/supervision/timeline", correlation=REQUEST_ID)


@way("supervision: the way of a message that is not named", status=422)
async def timeline_wrong(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await timeline(visitor, of), "/supervision/timeline")


# ---- what can happen everywhere


@way("waiting", status=202)
async def waiting(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["branch.lookup"] = NEVER
    return await visitor.send(await person(visitor, of), "/waiting")


@way("language: another than there is")
async def language(visitor: Visitor, of: Application) -> Seen:
    session = come_in(visitor, of)
    return await visitor.post("/language/de", {"csrf": mark_of(of, session)})


@way("unavailable", status=503)
async def unavailable(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["branch.lookup"] = NOT_TAKEN
    return await person(visitor, of)


@way("error: not found", status=404)
async def not_found(visitor: Visitor, of: Application) -> Seen:
    come_in(visitor, of)
    return await visitor.open("/no-such-page")


@way("error: a form of another session", status=403)
async def foreign(visitor: Visitor, of: Application) -> Seen:
    come_in(visitor, of)
    return await visitor.post("/phone", {})
