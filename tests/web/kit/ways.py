"""The ways to the pages of an application: its tests walk all of them."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from tests.web.kit.applications import Application
from tests.web.kit.visitor import Seen, Visitor

Walk = Callable[[Visitor, Application], Awaitable[Seen]]


@dataclass(frozen=True)
class Way:
    """The way to one page in one state.

    Attributes:
        name: of the page, as a person would say it.
        kind: of the application.
        walk: goes there, from a browser that knows nothing yet.
        status: with which the page comes.
        html: whether it is a page, and no picture or the like.
    """

    name: str
    kind: str
    walk: Walk
    status: int = 200
    html: bool = True

    def __str__(self) -> str:
        return f"{self.kind} - {self.name}"

    async def to(self, visitor: Visitor, of: Application) -> Seen:
        """Go there.

        Raises:
            AssertionError: another page came.
        """
        page = await self.walk(visitor, of)
        where = f"{self}: {page.answer.url.path} answers {page.status}"
        assert page.status == self.status, f"{where}\n{page.html[-2000:]}"
        assert page.html.startswith("<!doctype html>") if self.html else page.answer.content, where
        return page


@dataclass
class Ways:
    """All ways of one application."""

    kind: str
    all: list[Way] = field(default_factory=list)

    def way(self, name: str, *, status: int = 200, html: bool = True) -> Callable[[Walk], Walk]:
        """Register a way."""

        def register(walk: Walk) -> Walk:
            self.all.append(Way(name, self.kind, walk, status, html))
            return walk

        return register

    def __iter__(self) -> Iterator[Way]:
        return iter(self.all)
