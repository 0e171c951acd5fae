"""The log-in by OpenID Connect, with a provider of the test's own."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.unit.web.console.browser import Browser, console

_KEY = RSAKey.generate_key(2048, {"kid": "one"})
CLAIMS = {
    "sub": "u-17",
    "name": "Carla Centro",
    "office": "Contact Center",
    "roles": ["contact_centre", "some_other"],
}


class IdentityProvider:
    """Tells of itself, takes a code with its verifier, and signs who it is.

    Attributes:
        claims: of the person who logs in.
        key: that signs.
        told: what the last token request said.
    """

    def __init__(self) -> None:
        self.claims: dict[str, Any] = dict(CLAIMS)
        self.key, self.told = _KEY, dict[str, str]()
        self.asked: dict[str, str] = {}
        self.metadata: dict[str, str] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(provider.get(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                self._answer(provider.token(dict(parse_qsl(body)), self.headers.get("authorization", "")))

            def _answer(self, content: Any) -> None:  # noqa: ANN401 - JSON
                self.send_response(200 if content is not None else 400)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(content or {"error": "invalid_grant"}).encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Tell of itself, or its keys."""
        if path == "/keys":
            return {"keys": [_KEY.as_dict(private=False)]}
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            **self.metadata,
        }

    def token(self, told: dict[str, str], authorization: str) -> dict[str, str] | None:
        """Give a token for the code, if the verifier is that of the log-in."""
        self.told = {**told, "authorization": authorization}
        digest = hashlib.sha256(told["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if told["code"] != "the-code" or challenge != self.asked["code_challenge"]:
            return None
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": "console", "nonce": self.asked["nonce"], "iat": now, "exp": now + 60,
            **self.claims,
        }  # fmt: skip
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        return {"access_token": "x", "token_type": "Bearer", "id_token": token}


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    made = IdentityProvider()
    thread = Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def desk(tmp_path: Path, provider: IdentityProvider) -> Iterator[Browser]:
    chosen = {
        "PIN_OIDC_ISSUER": provider.url,
        "PIN_OIDC_CLIENT_ID": "console",
        "PIN_OIDC_CLIENT_SECRET": "console-secret",
    }
    with console(tmp_path, **chosen) as browser:
        yield browser


def _sent(desk: Browser, provider: IdentityProvider) -> dict[str, str]:
    """Go to the provider; return what it is asked."""
    assert desk.open("/log-in/provider").status == 303
    parts = urlsplit(desk.headers["location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{provider.url}/authorize"
    provider.asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return provider.asked


def _back(desk: Browser, provider: IdentityProvider, **changed: str) -> Browser:
    query = {"code": "the-code", "state": provider.asked["state"], **changed}
    return desk.open("/log-in/back?" + "&".join(f"{name}={value}" for name, value in query.items()))


def test_who_comes_back_from_the_provider_is_logged_in_with_the_roles_that_it_gives(
    desk: Browser, provider: IdentityProvider
) -> None:
    asked = _sent(desk, provider)
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "http://127.0.0.1:8080/log-in/back"
    assert asked["prompt"] == "login"  # a desk is shared
    assert _back(desk, provider).headers["location"] == "/"
    assert base64.b64decode(provider.told["authorization"].split()[1]) == b"console:console-secret"
    assert "Carla Centro, Contact Center" in desk.open("/").text
    desk.open("/review").send("/review")
    assert desk.last[1]["operator"] == {"id": "u-17", "office": "Contact Center"}
    assert desk.open("/branch").status == 403


def test_the_page_offers_the_provider_and_takes_no_password(desk: Browser) -> None:
    assert 'href="/log-in/provider"' in desk.open("/log-in").html
    assert "password" not in desk.html
    mark = desk.client.cookies["pin-console"]
    assert mark
    assert desk.ask("POST", "/log-in", data={"id": "x", "password": "y"}).status_code == 403


def test_a_log_in_begins_another_session(desk: Browser, provider: IdentityProvider) -> None:
    _sent(desk, provider)
    before = desk.client.cookies["pin-console"]
    _back(desk, provider)
    assert desk.client.cookies["pin-console"] != before
    assert "pin-console-oidc" not in desk.client.cookies


@pytest.mark.parametrize("changed", [{"state": "another"}, {"code": "another"}, {"error": "access_denied"}])
def test_what_is_not_the_end_of_the_log_in_that_was_begun_lets_nobody_in(
    desk: Browser, provider: IdentityProvider, changed: dict[str, str]
) -> None:
    _sent(desk, provider)
    assert _back(desk, provider, **changed).status == 400
    assert "non è riuscito" in desk.text
    assert desk.open("/").status == 303


def test_a_browser_that_began_no_log_in_is_sent_in_by_nobody(
    desk: Browser, provider: IdentityProvider
) -> None:
    """Another site could else log a person in as somebody else."""
    _sent(desk, provider)
    desk.client.cookies.delete("pin-console-oidc")
    assert _back(desk, provider).status == 400
    assert desk.open("/").status == 303


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "http://127.0.0.1:1"},
        {"aud": "another"},
        {"nonce": "another"},
        {"exp": 1},
        {"azp": "another"},
    ],
    ids=str,
)
def test_a_token_of_another_is_none(desk: Browser, provider: IdentityProvider, wrong: dict[str, Any]) -> None:
    _sent(desk, provider)
    provider.claims |= wrong
    assert _back(desk, provider).status == 400
    assert desk.open("/").status == 303


def test_a_token_signed_by_another_key_is_none(desk: Browser, provider: IdentityProvider) -> None:
    _sent(desk, provider)
    provider.key = RSAKey.generate_key(2048, {"kid": "one"})
    assert _back(desk, provider).status == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"roles": ["guest"]},
        {"roles": None},
        {"roles": {"contact_centre": 1}},
        {"office": ""},
        {"sub": "x" * 65},
    ],
    ids=str,
)
def test_who_has_no_role_or_no_office_is_told_so(
    desk: Browser, provider: IdentityProvider, wrong: dict[str, Any]
) -> None:
    _sent(desk, provider)
    provider.claims |= wrong
    assert _back(desk, provider).status == 403
    assert desk.open("/").status == 303


def test_roles_may_be_words_or_lie_within_another_claim(tmp_path: Path, provider: IdentityProvider) -> None:
    chosen = {
        "PIN_OIDC_ISSUER": provider.url,
        "PIN_OIDC_CLIENT_ID": "console",
        "PIN_OIDC_ROLES_CLAIM": "realm_access.roles",
    }
    provider.claims["realm_access"] = {"roles": "branch supervisor"}
    with console(tmp_path, **chosen) as browser:
        _sent(browser, provider)
        assert _back(browser, provider).status == 303
        assert provider.told["authorization"] == ""  # a public client
        assert browser.open("/branch").status == 200
        assert browser.open("/review").status == 403


@pytest.mark.parametrize(
    "metadata", [{"issuer": "https://another"}, {"token_endpoint": "http://id.example.org/token"}], ids=str
)
def test_a_provider_that_is_another_or_not_protected_is_not_used(
    desk: Browser, provider: IdentityProvider, metadata: dict[str, str]
) -> None:
    provider.metadata = metadata
    assert desk.open("/log-in/provider").status == 502


def test_a_provider_that_does_not_answer_is_said_so(tmp_path: Path) -> None:
    chosen = {"PIN_OIDC_ISSUER": "http://127.0.0.1:1", "PIN_OIDC_CLIENT_ID": "console"}
    with console(tmp_path, **chosen) as browser:
        assert browser.open("/log-in/provider").status == 502
        assert "non è riuscito" in browser.text
