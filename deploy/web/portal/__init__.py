"""The citizen's portal."""

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from deploy.web.application import application as _application
from deploy.web.portal import home
from deploy.web.settings import WebSettings

SETTINGS = WebSettings
_ROUTES: tuple[BaseRoute, ...] = (*home.ROUTES,)


def application(settings: WebSettings) -> Starlette:
    """Return the portal."""
    return _application("portal", settings, _ROUTES)
