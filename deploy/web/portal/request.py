"""The request of a PIN: codice fiscale and residence, then data, then the summary (figures 4 to 6; R1 to R3).

Each step carries what was typed before in its own form, and checks it anew: the server keeps nothing.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from deploy.web.answering import Command, answer, message_id_of, shows
from deploy.web.application import view
from deploy.web.asking import Reply
from deploy.web.forms import WRONG, Faults, faults_in, faults_of
from deploy.web.pages import Pages, language_of, page
from deploy.web.typed import day, flat, nested, phone, typed, written_day
from shared.contract.citizen import CitizenCommand
from shared.contract.issuer import PinRequest
from shared.italy.alphabets import folded
from shared.italy.countries import COUNTRIES
from shared.italy.places import ABROAD, provinces
from shared.italy.residence import MOST_LINES, provinces_now

ITALY, ELSEWHERE = "italy", "abroad"
LIVES = "lives"
"""The field that says where the citizen lives; the contract has `residence.country` for it."""

_FIRST = ("codice_fiscale", LIVES)
_PERSON = ("surname", "name", "birth_date", "sex", "birth_province", "birth_place")
_LINES = tuple(f"residence.lines.{at}" for at in range(MOST_LINES))
_RESIDENCE = {
    ITALY: ("street", "number", "province", "municipality", "postal_code"),
    ELSEWHERE: ("country", "municipality", "postal_code"),
}
_CONTACTS = tuple(f"contacts.{kind}" for kind in ("home_phone", "mobile", "email", "pec"))
_PREFERRED = ("preferred_phone", "preferred_time")
_PHONES = ("contacts.home_phone", "contacts.mobile")
_SHOWN_AT = {
    "no_phone": "contacts.mobile",
    "no_mailbox": "contacts.email",
    "residence.lines": "residence.lines.0",
}


def fields_of(lives: str) -> tuple[str, ...]:
    """Return the fields of the second step in their order, for who lives in Italy, or elsewhere."""
    residence = tuple(f"residence.{name}" for name in _RESIDENCE[lives])
    lines = _LINES if lives == ELSEWHERE else ()
    return (*_PERSON, *lines, *residence, *_CONTACTS, *_PREFERRED)


def body_of(values: Mapping[str, str], language: str) -> dict[str, Any]:
    """Return the command's body from what was typed: dates and telephones as the contract writes them."""
    lives = values.get(LIVES, ITALY)
    fields = {name: values[name] for name in fields_of(lives) if name in values and name not in _LINES}
    if "birth_date" in fields:
        fields["birth_date"] = day(fields["birth_date"])
    fields |= {name: phone(fields[name]) for name in _PHONES if name in fields}
    # Without a state it is an address abroad all the same.
    fields["residence.country"] = "IT" if lives == ITALY else values.get("residence.country", "")
    body = nested({"codice_fiscale": values.get("codice_fiscale", ""), **fields, "language": language})
    body.setdefault("contacts", {})
    if lines := [values[name] for name in _LINES if name in values]:
        body["residence"]["lines"] = lines
    return body


def values_of(body: Mapping[str, Any], language: str) -> dict[str, str]:
    """Return what would have to be typed for a command's body: `body_of` the other way."""
    values = dict(flat(body))
    values[LIVES] = ITALY if values.get("residence.country") == "IT" else ELSEWHERE
    if "birth_date" in values:
        values["birth_date"] = written_day(values["birth_date"], language)
    return values


def _typed(form: FormData) -> dict[str, str]:
    values = typed(form, _FIRST)
    if values.get(LIVES) in _RESIDENCE:
        values |= typed(form, fields_of(values[LIVES]))
    # An empty line between two others would move the faults of those below it.
    lines = [values.pop(name) for name in _LINES if name in values]
    return values | dict(zip(_LINES, lines, strict=False))


def _first_faults(values: Mapping[str, str]) -> Faults:
    known = {"codice_fiscale": values["codice_fiscale"]} if "codice_fiscale" in values else {}
    faults = faults_of(CitizenCommand, known)
    if values.get(LIVES) not in _RESIDENCE:
        faults[LIVES] = "missing"
    return faults


def _first(request: Request, values: Mapping[str, str], faults: Faults) -> Response:
    return page(request, "portal/request/first.html", WRONG if faults else 200, values=values, faults=faults)


def _data(request: Request, values: Mapping[str, str], faults: Faults) -> Response:
    language, pages = language_of(request), request.app.state.pages
    order = ("codice_fiscale", *fields_of(values[LIVES]))
    return page(
        request,
        "portal/request/data.html",
        WRONG if faults else 200,
        values=values,
        # In the order of the page: the contract finds what fields have in common last.
        faults={name: faults[name] for name in sorted(faults, key=(*order, *faults).index)},
        birth_provinces=_provinces(pages, language, provinces()),
        provinces=_provinces(pages, language, provinces_now()),
        countries=_countries(pages, language),
        abroad=ABROAD,
    )


@cache
def _provinces(pages: Pages, language: str, codes: frozenset[str]) -> list[tuple[str, str]]:
    return [(code, f"{name} ({code})") for code, name in _named(pages, language, "province", codes)]


@cache
def _countries(pages: Pages, language: str) -> list[tuple[str, str]]:
    return _named(pages, language, "country", COUNTRIES.keys() - {"IT"})


def _named(pages: Pages, language: str, kind: str, codes: Iterable[str]) -> list[tuple[str, str]]:
    names = [(code, pages.texts.say(language, f"{kind}.{code}", {})) for code in codes]
    return sorted(names, key=lambda one: folded(one[1]))


def _faults(request: Request, values: Mapping[str, str]) -> Faults:
    faults = faults_of(PinRequest, body_of(values, language_of(request)), _SHOWN_AT)
    if values[LIVES] == ELSEWHERE and "residence.country" not in values:
        faults["residence.country"] = "missing"
        faults.pop("residence.postal_code", None)  # it depends on the state whether there is one
    return faults


async def first(request: Request) -> Response:
    """Ask for the codice fiscale, and where the citizen lives (figure 4), also to who comes back."""
    return _first(request, _typed(await request.form()) if request.method == "POST" else {}, {})


async def data(request: Request) -> Response:
    """Ask for the rest (figure 5), after the first step or back from the summary."""
    values = _typed(await request.form())
    if faults := _first_faults(values):
        return _first(request, values, faults)
    return _data(request, values, {})


async def summary(request: Request) -> Response:
    """Show what was typed, to be confirmed (R3)."""
    values = _typed(await request.form())
    if faults := _first_faults(values):
        return _first(request, values, faults)
    if faults := _faults(request, values):
        return _data(request, values, faults)
    as_understood = values_of(body_of(values, language_of(request)), language_of(request))
    return page(request, "portal/request/summary.html", values=values, shown=as_understood)


async def confirm(request: Request) -> Response:
    """Publish the request: nothing is issued before (R3)."""
    form = await request.form()
    values = _typed(form)
    if faults := _first_faults(values):
        return _first(request, values, faults)
    if faults := _faults(request, values):
        return _data(request, values, faults)
    body = body_of(values, language_of(request))
    return await answer(
        request, Command("pin.request", body, message_id_of(request, form), shown_by="request.confirmed")
    )


@shows("request.confirmed")
def _confirmed(request: Request, command: Command, reply: Reply) -> Response:
    if reply["outcome"] == "rejected":
        values = values_of(command.body, language_of(request))
        return _data(request, values, faults_in(reply, _SHOWN_AT))
    # The same for everybody: whether there is a PIN already only the citizen learns, by mail (R7, R14).
    return page(request, "portal/request/done.html")


async def _begin_anew(request: Request) -> Response:
    """Send who opens the address of a later step to the first one."""
    return RedirectResponse(request.app.url_path_for("request"), 303)


ROUTES = [
    view("/request", first, name="request", methods=("GET", "POST")),
    *(
        route
        for name, step in (("data", data), ("summary", summary), ("confirm", confirm))
        for route in (
            view(f"/request/{name}", step, name=f"request.{name}", methods=("POST",)),
            view(f"/request/{name}", _begin_anew, name=f"request.{name}.again"),
        )
    ),
]
