"""A visitor without JavaScript: opens pages, fills in their forms and sends them, over ASGI."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import httpx

from tests.web.kit.applications import HOME, Application
from tests.web.kit.forms import Form, forms_in

Upload = tuple[str, bytes, str]
"""Name, content and declared type of a file."""


@dataclass(frozen=True)
class Seen:
    """A page as it came.

    Attributes:
        answer: the response, after all redirections.
    """

    answer: httpx.Response

    @property
    def status(self) -> int:
        """The status of HTTP."""
        return self.answer.status_code

    @property
    def html(self) -> str:
        """The page's text."""
        return self.answer.text

    @cached_property
    def forms(self) -> list[Form]:
        """Its forms."""
        return forms_in(self.html)

    def form(self, action: str = "") -> Form:
        """Return the form that goes to a path, or else the first that is neither of the frame nor empty.

        Raises:
            AssertionError: the page has none.
        """
        own = [one for one in self.forms if not _of_the_frame(one)]
        found = [one for one in own if action in self.targets(one)] if action else own
        where = f"{self.answer.url.path} ({self.status})"
        assert found, f"{where} has no form to {action or 'anywhere'}:\n{self.html[-1500:]}"
        return found[0]

    def targets(self, form: Form) -> list[str]:
        """Return the paths to which a form goes: its own, and those of its buttons."""
        here = str(self.answer.url)
        return [urlsplit(urljoin(here, action)).path for action in (form.action, *form.elsewhere)]


def _of_the_frame(form: Form) -> bool:
    path = urlsplit(form.action).path
    return path.startswith("/language/") or path.endswith("/log-out")


@dataclass
class Visitor:
    """One browser.

    Attributes:
        http: the client, with its cookies.
        seen: every page, in order.
    """

    http: httpx.AsyncClient
    seen: list[Seen] = field(default_factory=list)
    sent: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    """Every form that was posted: path, fields and files."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()

    async def open(self, path: str) -> Seen:
        """Follow a link."""
        return self._saw(await self.http.get(path))

    async def send(
        self,
        page: Seen,
        action: str = "",
        values: Mapping[str, str] | None = None,
        *,
        files: Mapping[str, Upload] | None = None,
        button: tuple[str, str] | None = None,
        **named: str,
    ) -> Seen:
        """Fill in a form of a page and send it.

        Args:
            page: which has the form.
            action: where the form goes; empty: the first of the page.
            values: by field, instead of what stands there; without a value the field is not sent.
            files: to be uploaded, by field.
            button: name and value of the button, if it has any.
            named: more values.
        """
        form = page.form(action)
        content = {**form.values, **(values or {}), **named, **(dict([button]) if button else {})}
        target = action or page.targets(form)[0]
        if form.method == "get":
            return self._saw(await self.http.get(target, params=content))
        uploads = dict(files or dict.fromkeys(form.files, ("", b"", "application/octet-stream")))
        return await self._post(target, content, uploads or None)

    async def send_again(self) -> Seen:
        """Send the last form once more, as a double click or a reload does."""
        return await self._post(*self.sent[-1])

    async def _post(self, target: str, content: dict[str, str], files: Any) -> Seen:  # noqa: ANN401 - httpx's
        self.sent.append((target, content, files))
        return self._saw(await self.http.post(target, data=content, files=files))

    async def post(self, path: str, content: Mapping[str, str], **more: Any) -> Seen:  # noqa: ANN401 - httpx's
        """Send what no page asked for."""
        return self._saw(await self.http.post(path, data=dict(content), **more))

    def _saw(self, answer: httpx.Response) -> Seen:
        page = Seen(answer)
        self.seen.append(page)
        return page


def at(of: Application, *, language: str = "it", home: str = HOME) -> Visitor:
    """Return a visitor of an application, over ASGI; a fault that no page answers is raised."""
    return Visitor(_client(language, base_url=home, transport=httpx.ASGITransport(of.app)))


def on_the_net(address: str, *, language: str = "it", **settings: Any) -> Visitor:  # noqa: ANN401 - httpx's
    """Return a visitor of pages that are served at an address."""
    return Visitor(_client(language, base_url=address, **settings))


def _client(language: str, **settings: Any) -> httpx.AsyncClient:  # noqa: ANN401 - httpx's
    return httpx.AsyncClient(
        follow_redirects=True, headers={"accept-language": language}, timeout=60, trust_env=False, **settings
    )
