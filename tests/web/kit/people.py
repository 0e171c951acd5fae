"""Who sits before the pages: a citizen, and an operator with every role."""

from dataclasses import asdict

from deploy.web.sessions import Session
from tests.web.kit.applications import OPERATOR, Application
from tests.web.kit.visitor import Visitor

CITIZEN = "RSSMRA85T10A562S"


def cookie_name(of: Application) -> str:
    """Return the name of the session's cookie."""
    prefix = "__Host-" if of.app.state.settings.secure else ""
    return f"{prefix}pin-{of.kind}"


def session_of(of: Application, *, level: str = "online") -> Session:
    """Return the session of who has logged in."""
    if of.kind == "console":
        return Session(operator=OPERATOR)
    return Session(codice_fiscale=CITIZEN, level=level)


def come_in(visitor: Visitor, of: Application, session: Session | None = None) -> Session:
    """Give a visitor the cookie of who has logged in; logging in itself has tests of its own."""
    session = session or session_of(of)
    hold(visitor, of, of.app.state.tokens.sign("session", asdict(session)))
    return session


def hold(visitor: Visitor, of: Application, text: str) -> None:
    """Give a visitor a cookie."""
    # Without the domain of the one that the application sets, there would be two of them.
    visitor.http.cookies.set(cookie_name(of), text, domain="127.0.0.1", path="/")


def mark_of(of: Application, session: Session) -> str:
    """Return the mark that each form of a session carries."""
    mark: str = of.app.state.tokens.mark("csrf", session.id)
    return mark
