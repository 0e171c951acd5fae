"""The console of contact centre, branches and supervisors: pages for people who are known by name."""

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from deploy.web.application import application as _application
from deploy.web.asking import Commands
from deploy.web.console import branch, entrance, fax, oidc, phone, recognition, review, supervision, viewer
from deploy.web.console.provider import Provider
from deploy.web.console.rendering import Renderer
from deploy.web.console.settings import ConsoleSettings
from deploy.web.console.users import Passwords, UsersFile

SETTINGS = ConsoleSettings
_AREAS = (entrance, oidc, review, viewer, fax, branch, recognition, phone, supervision)
_ROUTES: tuple[BaseRoute, ...] = tuple(route for area in _AREAS for route in area.ROUTES)


def application(settings: ConsoleSettings) -> Starlette:
    """Return the console."""
    app = _application("console", settings, _ROUTES, uploads={"/fax": fax.FILES})
    app.state.people = (
        Passwords(UsersFile(settings.console_users))
        if settings.console_users
        else Provider(settings, oidc.back_address(settings.web_url))
    )
    app.state.renderer = Renderer()
    app.state.asking = Commands
    return app
