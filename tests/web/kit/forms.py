"""The forms of a page, as a browser without JavaScript sees them."""

from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any

UNTYPED = frozenset({"submit", "button", "image", "reset"})
"""The kinds of input that are no field."""


@dataclass(frozen=True)
class Form:
    """One form of a page.

    Attributes:
        action: where it goes; empty: to the page's own address.
        method: `get` or `post`.
        values: what it sends if nothing is changed, by field.
        typed: the fields in which a person types or chooses, in order.
        files: the fields for files.
        choices: what can be chosen, by field.
        buttons: names and values of the buttons that have a name.
        elsewhere: where buttons send it that have an address of their own.
    """

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    typed: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    buttons: tuple[tuple[str, str], ...] = ()
    elsewhere: tuple[str, ...] = ()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select = ""
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take up a form, or a part of the one that is open."""
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(has.get("action", ""), has.get("method", "get").lower())
        elif self._form is None:
            return
        elif tag == "input":
            self._take_input(has)
        elif tag == "button":
            self._take_button(has)
        elif tag == "select":
            self._select = has["name"]
            self._type(has["name"])
        elif tag == "option" and self._select:
            self._take_option(self._select, has)
        elif tag == "textarea":
            self._area = has["name"]
            self._type(has["name"])
            self._form.values[self._area] = ""

    def handle_data(self, data: str) -> None:
        """Take what stands in a text area."""
        if self._form and self._area:
            self._form.values[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        """Close what was open."""
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""
        elif tag == "form" and self._form:
            self.forms.append(self._form)
            self._form = None

    def _take_input(self, has: dict[str, str]) -> None:
        kind, name = has.get("type", "text"), has.get("name", "")
        if not name or not self._form:
            return
        if kind == "submit":
            self._change(buttons=(*self._form.buttons, (name, has.get("value", ""))))
        elif kind == "file":
            self._change(files=(*self._form.files, name))
        elif kind == "hidden":
            self._form.values.setdefault(name, has.get("value", ""))
        elif kind in {"radio", "checkbox"}:
            self._type(name)
            value = has.get("value", "on")
            self._form.choices[name] = (*self._form.choices.get(name, ()), value)
            if "checked" in has:
                self._form.values[name] = value
        elif kind not in UNTYPED:
            self._type(name)
            self._form.values[name] = has.get("value", "")

    def _take_button(self, has: dict[str, str]) -> None:
        assert self._form
        if has.get("name"):
            self._change(buttons=(*self._form.buttons, (has["name"], has.get("value", ""))))
        if has.get("formaction"):
            self._change(elsewhere=(*self._form.elsewhere, has["formaction"]))

    def _take_option(self, name: str, has: dict[str, str]) -> None:
        assert self._form
        value = has.get("value", "")
        self._form.choices[name] = (*self._form.choices.get(name, ()), value)
        if "selected" in has or name not in self._form.values:
            self._form.values[name] = value

    def _type(self, name: str) -> None:
        assert self._form
        if name not in self._form.typed:
            self._change(typed=(*self._form.typed, name))

    def _change(self, **values: Any) -> None:  # noqa: ANN401 - of a form's fields
        assert self._form
        self._form = replace(self._form, **values)


def forms_in(html: str) -> list[Form]:
    """Return the forms of a page, in order."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.forms
