"""Whatever is typed, linked to or answered is shown as words: no page runs it, loads it or breaks at it.

Every field of every form is tried, hidden ones too, on every page to which a way leads.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import quote

import pytest

from shared.contract.examples import REPLY_EXAMPLES
from tests.web.kit.applications import Application, filled, routes
from tests.web.kit.fake_workers import form_of
from tests.web.kit.forms import Form
from tests.web.kit.markup import HOSTILE, planted
from tests.web.kit.people import come_in
from tests.web.kit.visitor import Seen, Visitor, at
from tests.web.kit.walks import WALKS
from tests.web.kit.ways import Way

QUERY = (
    *("token", "to", "of", "name", "q", "next", "code", "state", "error", "error_description", "session"),
    *("birth_place", "birth_province", "residence.province", "residence.municipality", "csrf", "language"),
)


def own(kind: str) -> Iterator[Way]:
    """Yield the ways of one application that lead to a page with forms of its own."""
    yield from (way for way in WALKS if way.kind == kind and way.html)


async def tried(visitor: Visitor, page: Seen, form: Form, values: Mapping[str, str]) -> list[str]:
    """Send a form as it stands with some values; return what is wrong with the page that comes."""
    faults = []
    for target in page.targets(form):
        if form.method == "get":
            answer = await visitor.http.get(target, params={**form.values, **values})
        else:
            files = dict.fromkeys(form.files, ("<b>.pdf", b"%PDF-1.7\n", "application/pdf"))
            answer = await visitor.http.post(target, data={**form.values, **values}, files=files or None)
        if answer.status_code >= 500 and answer.status_code not in {502, 503}:
            faults.append(f"{target} fails with {answer.status_code}")
        if answer.headers["content-type"].startswith("text/html"):
            faults += planted(answer.text)
    return faults


async def test_what_is_typed_into_any_field_is_shown_as_words(either: Application) -> None:
    faults: list[object] = []
    done: set[tuple[str, ...]] = set()
    for way in own(either.kind):
        either.workers.forget()
        async with at(either) as visitor:
            page = await way.to(visitor, either)
            assert not planted(page.html), way
            for form in page.forms:
                fields = [name for name in (*form.values, *form.typed) if name not in {"csrf", "once"}]
                # The same form on another page is the same form.
                if (key := (*page.targets(form), *fields)) in done:
                    continue
                done.add(key)
                for number, name in enumerate(dict.fromkeys(fields)):
                    for words in (HOSTILE[number % len(HOSTILE)], HOSTILE[(number + 3) % len(HOSTILE)]):
                        found = await tried(visitor, page, form, {name: words})
                        faults += [(str(way), name, fault) for fault in found]
                for words in HOSTILE:
                    found = await tried(visitor, page, form, dict.fromkeys(fields, words))
                    faults += [(str(way), "all fields", fault) for fault in found]
    assert not faults
    assert done


@pytest.mark.parametrize("words", HOSTILE)
async def test_what_an_address_says_is_shown_as_words(either: Application, words: str) -> None:
    query = "&".join(f"{name}={quote(words)}" for name in QUERY)
    async with at(either) as visitor:
        come_in(visitor, either)
        for route in routes(either.app):
            if "GET" in (route.methods or ()):
                for path in {filled(route.path, "x"), filled(route.path, quote(words, safe=""))}:
                    page = await visitor.open(f"{path}?{query}")
                    assert page.status < 500 or page.status in {502, 503}, path
                    assert not planted(page.html), path


async def test_the_headers_of_a_request_are_no_words_of_a_page(either: Application) -> None:
    for words in HOSTILE:
        sent = {"accept-language": words, "user-agent": words, "referer": words, "x-forwarded-for": words}
        async with at(either) as visitor:
            for path in ("/", "/log-in", "/no-such-page"):
                answer = await visitor.http.get(path, headers=sent)
                assert answer.status_code < 500
                assert not planted(answer.text)


def leaves(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - JSON
    """Yield the way to each text of a JSON value."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from leaves(part, (*above, name))
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value):
            yield from leaves(part, (*above, number))
    elif isinstance(value, str):
        yield above


def changed(value: Any, way: tuple[Any, ...], text: str) -> Any:  # noqa: ANN401 - JSON
    """Return a copy of a JSON value with another text at one place."""
    copy = deepcopy(value)
    at_ = copy
    for part in way[:-1]:
        at_ = at_[part]
    at_[way[-1]] = text
    return copy


async def test_what_a_worker_answers_is_shown_as_words(either: Application) -> None:
    """A name, a street or a protocol is somebody's words: nobody promises that they hold no tags."""
    faults: list[object] = []
    number = 0
    for type_, example in REPLY_EXAMPLES.items():
        given = dict(example) | ({"form": form_of(b"%PDF-1.7")} if "form" in example else {})
        for leaf in leaves(given):
            number += 1
            answer = changed(given, leaf, HOSTILE[number % len(HOSTILE)])
            for way in _showing(either.kind, type_):
                either.workers.forget()
                either.workers.answers[type_] = answer
                async with at(either) as visitor:
                    try:
                        page = await way.walk(visitor, either)
                    except AssertionError:  # the page before does not come: neither do the words
                        page = visitor.seen[-1]
                    faults += [(str(way), leaf, fault) for fault in planted(page.html)]
    assert not faults


def _showing(kind: str, type_: str) -> list[Way]:
    names: dict[str, tuple[str, ...]] = {
        "istanza.submit": ("istanza: suspended",),
        "dispositivo.request": ("convert: the form, to be uploaded",),
        "dispositivo.review_queue": ("review: the queue",),
        "branch.lookup": ("branch: a person",),
        "dispositivo.approve": ("review: approved",),
    }
    return [way for way in own(kind) if way.name in names.get(type_, ())]


async def test_a_refusal_in_a_worker_s_words_is_shown_as_words(portal: Application) -> None:
    words = HOSTILE[0]
    refusal = {
        "outcome": "rejected",
        "code": "invalid",
        "detail": words,
        "errors": [{"field": words, "code": words, "detail": words}, {"field": "surname", "code": words}],
        "data": {},
    }

    async def refused(*_: object, **__: object) -> Mapping[str, Any]:
        return refusal

    portal.workers.ask = refused  # type: ignore[method-assign]  # the far end lies
    for way in own("portal"):
        if way.name in {"request: figure 6", "restore: requested", "contacts: updated", "istanza: suspended"}:
            async with at(portal) as visitor:
                page = await way.walk(visitor, portal)
                assert page.status < 500, way
                assert not planted(page.html), way
