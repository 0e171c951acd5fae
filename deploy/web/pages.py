"""Pages: templates, in the person's language, with the files that they show."""

import hashlib
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from deploy.web.sessions import csrf_mark, current
from deploy.web.tokens import Tokens
from shared.contract.ids import new_message_id

HERE = Path(__file__).parent
STATIC = HERE / "static"
LANGUAGES = ("it", "de")
ONCE = "once"
"""The kind of the token that carries a form's `message_id`, and the name of its field."""
CSRF = "csrf"
"""The field of the mark."""


def language_of(request: Request) -> str:
    """Return the language of a person: the one chosen, else the first of the browser's that we have."""
    pages: Pages = request.app.state.pages
    if current(request).language in pages.languages:
        return current(request).language
    for wanted in request.headers.get("accept-language", "").split(","):
        if (short := wanted.strip()[:2].lower()) in pages.languages:
            return short
    return pages.languages[0]


class Texts:
    """What pages say: `texts/<area>.<language>.toml`, of all areas together, by dotted key.

    A key that ends in `_html` may hold tags; the values put into it are escaped.
    """

    def __init__(self) -> None:
        self._of = {
            language: {
                key: text
                for file in sorted((HERE / "texts").glob(f"*.{language}.toml"))
                for key, text in _flat(tomllib.loads(file.read_text(encoding="utf-8")))
            }
            for language in LANGUAGES
        }

    def say(self, language: str, key: str, values: Mapping[str, object]) -> str:
        """Return a text with its values.

        Raises:
            KeyError: no language has it.
        """
        text = self._of[language].get(key) or self._of[LANGUAGES[0]][key]
        if key.endswith("_html"):
            return Markup(text).format(**values)  # noqa: S704 - ours; the values are escaped
        return text.format(**values) if values else text

    def has(self, key: str) -> bool:
        """Tell whether there is such a text."""
        return key in self._of[LANGUAGES[0]]

    def keys(self, language: str) -> frozenset[str]:
        """Return all keys of a language."""
        return frozenset(self._of[language])


def _flat(table: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            found += _flat(value, f"{above}{key}.")
        else:
            found.append((f"{above}{key}", str(value)))
    return found


@cache
def static(path: str) -> str:
    """Return the address of a file of `static/`: another one whenever its content is another."""
    digest = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={digest}"


class Pages:
    """Renders templates of `templates/`.

    Args:
        application: `portal`, `console` or `mailbox`, for the page's frame.
    """

    def __init__(self, application: str) -> None:
        self.application = application
        # Operators work in Italian, whatever their browser prefers: half a page of German helps nobody.
        self.languages = LANGUAGES[:1] if application == "console" else LANGUAGES
        self.texts = Texts()
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def rendered(self, request: Request, name: str, values: Mapping[str, object]) -> str:
        """Return a template with its values as HTML."""
        language = language_of(request)
        tokens: Tokens = request.app.state.tokens

        def t(key: str, **inserted: object) -> str:
            return self.texts.say(language, key, inserted)

        def url(name: str, **parts: object) -> str:
            return str(request.app.url_path_for(name, **parts))

        def hidden(name: str, value: str) -> Markup:
            return Markup('<input type="hidden" name="{}" value="{}">').format(name, value)

        return self._templates.get_template(name).render(
            t=t,
            has_text=self.texts.has,
            language=language,
            languages=self.languages,
            url=url,
            static=static,
            session=current(request),
            path=request.url.path,
            application=self.application,
            csrf_field=lambda: hidden(CSRF, csrf_mark(request)),
            once=lambda: hidden(ONCE, tokens.sign(ONCE, new_message_id())),
            hidden=hidden,
            **values,
        )


def page(request: Request, name: str, status: int = 200, **values: object) -> Response:
    """Return a page.

    Args:
        request: of which the language and the session are.
        name: of a template, such as `portal/home.html`.
        status: of HTTP.
        values: of the template.
    """
    pages: Pages = request.app.state.pages
    html = pages.rendered(request, name, values)
    return HTMLResponse(html, status, {"content-language": language_of(request)})
