"""All pages, one after the other, without a browser: none is forgotten, and none says more than it should."""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from deploy.web.pages import HERE
from tests.web.kit.applications import KINDS, PASSWORD, Application, application, routes
from tests.web.kit.fake_workers import SHORT_PIN
from tests.web.kit.papers import CITIZEN, HALVES, PIN, TOKEN
from tests.web.kit.visitor import at
from tests.web.kit.walks import WALKS

ELSEWHERE = {"oidc", "oidc.back"}
"""Routes that need a provider of identities: `tests/unit/web` has one."""


@dataclass
class Walked:
    """What all ways of one application left behind."""

    of: Application
    lines: Sequence[Mapping[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    pages: dict[str, str] = field(default_factory=dict)


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=KINDS)
async def walked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Walked]:
    """Walk all ways of an application; a way that ends elsewhere is a fault."""
    of = application(request.param, tmp_path_factory.mktemp(request.param))
    walked = Walked(of)
    with capture_logs() as lines:
        for way in WALKS:
            if way.kind == of.kind:
                of.workers.forget()
                async with at(of) as visitor:
                    try:
                        page = await way.to(visitor, of)
                    except AssertionError as fault:
                        walked.faults.append(str(fault))
                    else:
                        walked.pages[way.name] = page.html if way.html else ""
    walked.lines = lines
    yield walked


def test_every_way_ends_where_it_should(walked: Walked) -> None:
    assert not walked.faults, "\n\n".join(walked.faults)
    assert not walked.of.workers.dead


def test_no_route_is_forgotten(walked: Walked) -> None:
    """A new page needs a way, or it is looked at by nobody."""
    seen = {(line["method"], line["page"]) for line in walked.lines if line["event"] == "page.served"}
    wanted = {
        (method, route.path)
        for route in routes(walked.of.app)
        for method in (route.methods or set()) - {"HEAD"}
        if route.name not in ELSEWHERE
    }
    assert wanted <= seen, sorted(wanted - seen)


def test_no_template_is_forgotten(walked: Walked) -> None:
    folder = HERE / "templates" / walked.of.kind
    wanted = {str(path.relative_to(HERE / "templates")) for path in folder.rglob("*.html")}
    shown = {name for _, name in walked.of.app.state.pages._templates.cache}
    assert wanted <= shown, sorted(wanted - shown)


def test_no_page_says_a_key_in_place_of_a_text(walked: Walked) -> None:
    for name, html in walked.pages.items():
        bare = re.sub(r"<[^>]*>", " ", html)
        assert not re.search(r"\{\w+\}", bare), name
        assert "None" not in bare.split(), name


def test_each_matter_has_a_title_of_its_own(walked: Walked) -> None:
    """WCAG 2.4.2: who has several pages open, or hears them, knows which is which."""
    titles: dict[str, set[str]] = {}
    for name, html in walked.pages.items():
        if html:
            title = html.partition("<title>")[2].partition("</title>")[0]
            assert title.strip(" –"), name
            titles.setdefault(title, set()).add(name.partition(":")[0])
    matters = {name.partition(":")[0] for name in walked.pages}
    assert len(titles) * 2 > len(matters), titles


def test_no_line_of_the_log_says_anything_of_a_person(walked: Walked) -> None:
    """No PIN, token or password, and nothing personal: neither typed, linked to, uploaded nor answered."""
    told = (
        *(CITIZEN, PIN, *HALVES, SHORT_PIN, TOKEN, PASSWORD, "rossi", "mario", "mazzini", "san giuliano"),
        *("3331234567", "1234567", "7654321", "80380", "CA12345AA", "CA99999ZZ", "maternit", "modulo.pdf"),
        *("2031-12-10", "1985-12-10", "RSSMRA", "wrong"),
    )
    for line in walked.lines:
        said = json.dumps(line, default=str).lower()
        assert not [words for words in told if words.lower() in said], line
        # A signed text, which can be read by whoever has it, would be longer.
        assert all(len(str(value)) < 64 for name, value in line.items() if name != "at"), line


def test_no_failure_of_ours_is_in_the_log(walked: Walked) -> None:
    failed = [line for line in walked.lines if line["event"] == "page.failed"]
    assert not failed, failed
