"""The first page (figures 1 to 3 and 9 of the guide)."""

from starlette.requests import Request
from starlette.responses import Response

from deploy.web.application import view
from deploy.web.pages import page


async def home(request: Request) -> Response:
    """Show what can be done."""
    return page(request, "portal/home.html")


ROUTES = [view("/", home, name="home")]
