"""The way to every page of the portal, in every state that it can be in.

`test_no_page_is_forgotten` finds a route or a template to which no way leads.
"""

import time
from dataclasses import asdict, replace
from urllib.parse import urlencode

from deploy.web.answering import Command
from tests.web.kit.applications import Application
from tests.web.kit.fake_workers import NEVER, NOT_TAKEN
from tests.web.kit.papers import (
    CARD,
    CITIZEN,
    DETAILS,
    FIRST_STEP,
    HALVES,
    PIN,
    SECOND_STEP,
    TOKEN,
    living_abroad,
    scans,
)
from tests.web.kit.people import come_in, mark_of, session_of
from tests.web.kit.visitor import Seen, Visitor
from tests.web.kit.ways import Ways

NOTICE = (
    "La sua istanza è stata protocollata, ma non può essere completata finché il suo PIN non è dispositivo. "
    "Chieda il PIN dispositivo: l'istanza sarà sbloccata automaticamente."
)
"""What the worker says of an istanza that is suspended (R31)."""
WAYS = Ways("portal")
way = WAYS.way


@way("home: figures 1, 2, 3 and 9")
async def home(visitor: Visitor, _: Application) -> Seen:
    return await visitor.open("/")


@way("home of who is logged in")
async def home_of_citizen(visitor: Visitor, of: Application) -> Seen:
    come_in(visitor, of)
    return await visitor.open("/")


@way("lost: figure 10")
async def lost(visitor: Visitor, _: Application) -> Seen:
    return await visitor.open("/lost")


# ---- figures 4 to 6


@way("request: figure 4")
async def first_step(visitor: Visitor, _: Application) -> Seen:
    return await visitor.open("/request")


@way("request: figure 4 with faults", status=422)
async def first_step_wrong(visitor: Visitor, of: Application) -> Seen:
    page = await first_step(visitor, of)
    return await visitor.send(page, "/request/data", codice_fiscale="RSSMRA85T10A562X")


@way("request: figure 5")
async def second_step(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await first_step(visitor, of), "/request/data", FIRST_STEP)


@way("request: figure 5 of who lives abroad")
async def second_step_abroad(visitor: Visitor, of: Application) -> Seen:
    page = await first_step(visitor, of)
    return await visitor.send(page, "/request/data", FIRST_STEP, lives="abroad")


@way("request: figure 5 with faults", status=422)
async def second_step_wrong(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(
        await second_step(visitor, of), "/request/summary", {"birth_date": "31/02/1985"}
    )


@way("request: figure 5 of who lives abroad with faults", status=422)
async def second_step_abroad_wrong(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await second_step_abroad(visitor, of), "/request/summary")


@way("request: the summary")
async def summary(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await second_step(visitor, of), "/request/summary", SECOND_STEP)


@way("request: the summary of who lives abroad")
async def summary_abroad(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await second_step_abroad(visitor, of), "/request/summary", living_abroad())


@way("request: back from the summary")
async def back(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await summary(visitor, of), "/request/data")


@way("request: back from the second step")
async def back_to_the_first(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await second_step(visitor, of), "/request", SECOND_STEP)


@way("request: figure 6")
async def requested(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await summary(visitor, of), "/request/confirm")


@way("request: a later step by its address")
async def later_step(visitor: Visitor, _: Application) -> Seen:
    await visitor.open("/request/data")
    await visitor.open("/request/summary")
    return await visitor.open("/request/confirm")


# ---- figures 7 and 8


@way("restore: figure 8")
async def restore(visitor: Visitor, _: Application) -> Seen:
    return await visitor.open("/restore")


@way("restore: figure 8 with faults", status=422)
async def restore_wrong(visitor: Visitor, of: Application) -> Seen:
    page = await restore(visitor, of)
    return await visitor.send(page, "/restore", {"codice_fiscale": "X", "contacts.mobile": "12"})


@way("restore: requested")
async def restore_requested(visitor: Visitor, of: Application) -> Seen:
    contacts = {"contacts.mobile": "333 1234567", "contacts.email": "mario.rossi@example.com"}
    return await visitor.send(await restore(visitor, of), "/restore", contacts, codice_fiscale=CITIZEN)


@way("restore: the link")
async def restore_link(visitor: Visitor, _: Application) -> Seen:
    return await visitor.open(f"/restore/confirm?token={TOKEN}")


@way("restore: the link with faults", status=422)
async def restore_link_wrong(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await restore_link(visitor, of), "/restore/confirm", codice_fiscale="X")


@way("restore: confirmed")
async def restore_confirmed(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await restore_link(visitor, of), "/restore/confirm", codice_fiscale=CITIZEN)


@way("restore: a link that was used", status=400)
async def restore_link_used(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["restore.confirm"] = "link_invalid"
    return await restore_confirmed(visitor, of)


@way("restore: a link without its token", status=400)
async def restore_link_cut(visitor: Visitor, _: Application) -> Seen:
    return await visitor.open("/restore/confirm")


# ---- figure 11


@way("revoke: figure 11")
async def revoke(visitor: Visitor, _: Application) -> Seen:
    return await visitor.open("/revoke")


def control_code(of: Application, page: Seen) -> str:
    """Return the characters that a person reads in the picture of a page."""
    form = page.form("/revoke")
    session = of.app.state.tokens.read("session", _cookie(page), 900)["id"]
    code = of.app.state.control_codes.read(form.values["control_code_shown"], session)
    assert code
    return str(code.text)


def _cookie(page: Seen) -> str:
    return page.answer.headers["set-cookie"].partition("=")[2].partition(";")[0]


@way("revoke: figure 11 with faults", status=422)
async def revoke_wrong(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await revoke(visitor, of), "/revoke", codice_fiscale="X", email="mario")


@way("revoke: figure 11 with a wrong control code", status=422)
async def revoke_wrong_code(visitor: Visitor, of: Application) -> Seen:
    page = await revoke(visitor, of)
    typed = {**CARD, "codice_fiscale": CITIZEN, "email": "mario.rossi@example.com", "control_code": "AAAAAAA"}
    return await visitor.send(page, "/revoke", typed)


@way("revoke: another control code")
async def another_code(visitor: Visitor, of: Application) -> Seen:
    page = await revoke(visitor, of)
    return await visitor.send(page, "/revoke/control-code", codice_fiscale=CITIZEN)


@way("revoke: the address of another control code")
async def address_of_another_code(visitor: Visitor, _: Application) -> Seen:
    return await visitor.open("/revoke/control-code")


@way("revoke: requested")
async def revoke_requested(visitor: Visitor, of: Application) -> Seen:
    page = await revoke(visitor, of)
    typed = {**CARD, "codice_fiscale": CITIZEN, "email": "mario.rossi@example.com"}
    return await visitor.send(page, "/revoke", typed, control_code=control_code(of, page))


@way("revoke: the link")
async def revoke_link(visitor: Visitor, _: Application) -> Seen:
    return await visitor.open(f"/revoke/confirm?token={TOKEN}")


@way("revoke: confirmed")
async def revoke_confirmed(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await revoke_link(visitor, of), "/revoke/confirm", codice_fiscale=CITIZEN)


@way("revoke: the link of somebody whom nothing is known of", status=400)
async def revoke_link_used(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["revoke.confirm"] = "link_invalid"
    return await revoke_confirmed(visitor, of)


# ---- first access and log-in


@way("first access")
async def first_access(visitor: Visitor, _: Application) -> Seen:
    return await visitor.open("/first-access")


@way("first access: with faults", status=422)
async def first_access_wrong(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await first_access(visitor, of), "/first-access", codice_fiscale="X", pin="1")


@way("first access: a wrong PIN", status=422)
async def first_access_refused(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["pin.activate"] = "wrong_pin"
    return await new_pin(visitor, of)


@way("first access: the new PIN")
async def new_pin(visitor: Visitor, of: Application) -> Seen:
    page = await first_access(visitor, of)
    first, second = HALVES
    return await visitor.send(page, "/first-access", codice_fiscale=CITIZEN, pin=first, second=second)


@way("log-in: figure 2")
async def log_in(visitor: Visitor, _: Application) -> Seen:
    return await visitor.open("/log-in")


@way("log-in: with faults", status=422)
async def log_in_wrong(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await log_in(visitor, of), "/log-in", codice_fiscale="X", pin="")


@way("log-in: a wrong PIN", status=422)
async def log_in_refused(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["pin.verify"] = "wrong_pin"
    return await me(visitor, of)


@way("log-in: locked", status=429)
async def log_in_locked(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["pin.verify"] = "locked"
    return await me(visitor, of)


@way("log-in: before first access", status=409)
async def log_in_too_early(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["pin.verify"] = "first_access_needed"
    return await me(visitor, of)


@way("me: with a PIN online")
async def me(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await log_in(visitor, of), "/log-in", codice_fiscale=CITIZEN, pin=PIN)


@way("me: with a PIN dispositivo")
async def me_dispositivo(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["pin.verify"] = {"level": "dispositivo"}
    return await me(visitor, of)


@way("log-out")
async def log_out(visitor: Visitor, of: Application) -> Seen:
    session = come_in(visitor, of)
    return await visitor.post("/log-out", {"csrf": mark_of(of, session)})


# ---- what a citizen does who is logged in


@way("contacts")
async def contacts(visitor: Visitor, of: Application) -> Seen:
    come_in(visitor, of)
    return await visitor.open("/me/contacts")


@way("contacts: with faults", status=422)
async def contacts_wrong(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await contacts(visitor, of), "/me/contacts", {"contacts.email": "mario"})


@way("contacts: updated")
async def contacts_updated(visitor: Visitor, of: Application) -> Seen:
    changed = {"contacts.pec": "mario.rossi@pec.example.com", "contacts.mobile": "333 7654321"}
    return await visitor.send(await contacts(visitor, of), "/me/contacts", changed)


@way("contacts: of who has no PIN any more", status=409)
async def contacts_refused(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["contacts.update"] = "no_active_pin"
    return await contacts_updated(visitor, of)


@way("convert")
async def convert(visitor: Visitor, of: Application) -> Seen:
    come_in(visitor, of)
    return await visitor.open("/me/convert")


@way("convert: with faults", status=422)
async def convert_wrong(visitor: Visitor, of: Application) -> Seen:
    form = (await convert(visitor, of)).form("/me/convert")
    return await visitor.post("/me/convert", {"once": form.values["once"], "csrf": form.values["csrf"]})


async def converted(visitor: Visitor, of: Application, way: str) -> Seen:
    """Ask for the form, to hand it in on one of the three ways."""
    return await visitor.send(await convert(visitor, of), "/me/convert", submission=way)


@way("convert: the form, to be uploaded")
async def convert_online(visitor: Visitor, of: Application) -> Seen:
    return await converted(visitor, of, "online")


@way("convert: the form, to be faxed")
async def convert_fax(visitor: Visitor, of: Application) -> Seen:
    return await converted(visitor, of, "fax")


@way("convert: the form, to be brought")
async def convert_branch(visitor: Visitor, of: Application) -> Seen:
    return await converted(visitor, of, "branch")


@way("convert: already dispositivo", status=409)
async def convert_refused(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["dispositivo.request"] = "already_dispositivo"
    return await convert_online(visitor, of)


@way("convert: the form itself", html=False)
async def form_pdf(visitor: Visitor, of: Application) -> Seen:
    page = await convert_online(visitor, of)
    return await visitor.send(page, "/me/convert/form.pdf")


@way("convert: documents with faults", status=422)
async def documents_wrong(visitor: Visitor, of: Application) -> Seen:
    page = await convert_online(visitor, of)
    files = {**scans(), "document_scan": ("carta.jpg", b"GIF89a", "image/jpeg")}
    return await visitor.send(page, "/me/convert/documents", DETAILS, files=files)


@way("convert: documents submitted")
async def documents(visitor: Visitor, of: Application) -> Seen:
    page = await convert_online(visitor, of)
    return await visitor.send(page, "/me/convert/documents", DETAILS, files=scans())


@way("convert: a posted page by its address")
async def convert_again(visitor: Visitor, of: Application) -> Seen:
    come_in(visitor, of)
    return await visitor.open("/me/convert/documents")


@way("istanza")
async def istanza(visitor: Visitor, of: Application) -> Seen:
    come_in(visitor, of)
    return await visitor.open("/me/istanza")


@way("istanza: with faults", status=422)
async def istanza_wrong(visitor: Visitor, of: Application) -> Seen:
    return await visitor.send(await istanza(visitor, of), "/me/istanza", service="x" * 3000)


@way("istanza: suspended")
async def istanza_suspended(visitor: Visitor, of: Application) -> Seen:
    suspended = {"protocol": "2026.0000000123", "status": "suspended", "notice": NOTICE}
    of.workers.answers.setdefault("istanza.submit", suspended)
    return await visitor.send(await istanza(visitor, of), "/me/istanza", service="Assegno di maternità")


@way("istanza: in progress")
async def istanza_in_progress(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["istanza.submit"] = {"protocol": "2026.0000000123", "status": "in_progress"}
    return await istanza_suspended(visitor, of)


@way("istanza: too many", status=409)
async def istanza_refused(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["istanza.submit"] = "too_many_suspended"
    return await istanza_suspended(visitor, of)


# ---- what can happen everywhere


@way("waiting", status=202)
async def waiting(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["pin.request"] = NEVER
    return await visitor.send(await requested(visitor, of), "/waiting")


@way("waiting: after half a minute", status=202)
async def waiting_long(visitor: Visitor, of: Application) -> Seen:
    page = await waiting(visitor, of)
    form = page.form("/waiting")
    tokens = of.app.state.tokens
    command = Command(**tokens.read("pending", form.values["pending"], 3600))
    longer = tokens.sign("pending", asdict(replace(command, since=time.time() - 31)))
    return await visitor.post("/waiting", {**form.values, "pending": longer})


@way("unavailable", status=503)
async def unavailable(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["pin.request"] = NOT_TAKEN
    return await requested(visitor, of)


@way("error: the worker could not handle a PIN", status=409)
async def failed_inside(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["pin.verify"] = "internal_error"
    return await me(visitor, of)


@way("error: the worker could not handle a link")
async def failed_link(visitor: Visitor, of: Application) -> Seen:
    of.workers.answers["restore.confirm"] = "internal_error"
    return await restore_confirmed(visitor, of)


@way("error: not found", status=404)
async def not_found(visitor: Visitor, _: Application) -> Seen:
    return await visitor.open("/no-such-page")


@way("error: a form of another session", status=403)
async def foreign(visitor: Visitor, _: Application) -> Seen:
    return await visitor.post("/waiting", {})


@way("error: a form that is too old", status=400)
async def expired(visitor: Visitor, of: Application) -> Seen:
    session = come_in(visitor, of)
    return await visitor.post("/waiting", {"csrf": mark_of(of, session), "pending": "old"})


@way("language: the other one, by its button")
async def german(visitor: Visitor, of: Application) -> Seen:
    page = await home(visitor, of)
    action = next(form.action for form in page.forms if "/language/" in form.action)
    return await visitor.post(action, {"csrf": page.forms[0].values["csrf"]})


# ---- what is no page


@way("control code: the picture", html=False)
async def picture(visitor: Visitor, of: Application) -> Seen:
    shown = (await revoke(visitor, of)).form("/revoke").values["control_code_shown"]
    return await visitor.open(f"/control-code/{shown}.png")


@way("control code: the sound", html=False)
async def sound(visitor: Visitor, of: Application) -> Seen:
    shown = (await revoke(visitor, of)).form("/revoke").values["control_code_shown"]
    return await visitor.open(f"/control-code/{shown}.wav")


@way("places: municipalities", html=False)
async def municipalities(visitor: Visitor, _: Application) -> Seen:
    return await visitor.open("/places/municipalities?of=birth&birth_place=san giul&birth_province=PI")


@way("places: states", html=False)
async def states(visitor: Visitor, _: Application) -> Seen:
    return await visitor.open("/places/states?name=ger")


@way("places: postal codes", html=False)
async def postal_codes(visitor: Visitor, _: Application) -> Seen:
    of = {"residence.province": "PI", "residence.municipality": "San Giuliano Terme"}
    return await visitor.open(f"/places/postal-codes?{urlencode(of)}")


__all__ = ["WAYS", "control_code", "session_of"]
