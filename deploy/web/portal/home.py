"""The first page, and what to do when the PIN is lost (figures 1 to 3, 9 and 10 of the guide)."""

from starlette.requests import Request
from starlette.responses import Response

from deploy.web.application import view
from deploy.web.pages import page


async def home(request: Request) -> Response:
    """Show what can be done."""
    return page(request, "portal/home.html")


async def lost(request: Request) -> Response:
    """Show the two ways of who lost the PIN: to restore it, or to revoke it (R17, R18)."""
    return page(request, "portal/lost.html")


ROUTES = [view("/", home, name="home"), view("/lost", lost, name="lost")]
