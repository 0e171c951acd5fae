"""The citizen's portal."""

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from deploy.web import places
from deploy.web.application import application as _application
from deploy.web.portal import (
    access,
    contacts,
    control_code,
    convert,
    home,
    istanza,
    request,
    restore,
    revoke,
)
from deploy.web.settings import WebSettings
from shared.italy.places import by_code
from shared.italy.residence import current

SETTINGS = WebSettings
_ROUTES: tuple[BaseRoute, ...] = (
    *home.ROUTES,
    *request.ROUTES,
    *restore.ROUTES,
    *revoke.ROUTES,
    *control_code.ROUTES,
    *places.ROUTES,
    *access.ROUTES,
    *convert.ROUTES,
    *istanza.ROUTES,
    *contacts.ROUTES,
)


def application(settings: WebSettings) -> Starlette:
    """Return the portal."""
    by_code(), current()  # read now, not while the first citizen waits
    portal = _application("portal", settings, _ROUTES, uploads=convert.UPLOADS)
    portal.state.control_codes = control_code.ControlCodes(settings.secret)
    return portal
