"""The identity provider of OpenID Connect Core 1.0: where people log in, and who they are who come back.

The code flow with PKCE (RFC 7636), by Authlib. Nothing of the provider is kept between two log-ins: a key
that it has changed counts at once.
"""

import secrets
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.deprecate import AuthlibDeprecationWarning
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, TypeAdapter, ValidationError

from deploy.web.console.settings import ROLES, ConsoleSettings
from deploy.web.errors import LogInRefusedError, NoRoleError
from deploy.web.sessions import Operator
from shared.config.plaintext import is_local
from shared.contract.fields import Line, Word

with warnings.catch_warnings():
    # It would rather have the successor of httpx, and works with httpx itself.
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.httpx_client import AsyncOAuth2Client

_ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""Of signatures by a key that the provider alone has."""
_LEEWAY = 60
"""Seconds by which its clock may differ from ours."""
_LONGEST = 10.0
"""Seconds for one of its answers."""
_word, _line = TypeAdapter(Word), TypeAdapter(Line)


class Endpoints(BaseModel):
    """What the provider tells of itself (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


@dataclass(frozen=True, slots=True)
class LogIn:
    """A log-in that is under way: what the browser keeps of it, signed, and where it goes.

    Attributes:
        state: which the provider gives back, so that no other site can send somebody back here.
        nonce: which stands in the token, so that one of another log-in is none of this.
        verifier: by which we prove that the code is ours.
    """

    state: str
    nonce: str
    verifier: str


class Provider:
    """Asks the provider who somebody is.

    Args:
        settings: where it is, and what it calls the claims.
        back: the address at which people come back.
    """

    def __init__(self, settings: ConsoleSettings, back: str) -> None:
        self._settings, self._back = settings, back

    def still(self, operator: Operator) -> Operator | None:
        """Return a person as the log-in said: what the provider changes counts with the next one."""
        return operator

    async def begin(self) -> tuple[str, LogIn]:
        """Return where to send a browser, and what to keep of the log-in.

        Raises:
            LogInRefusedError: the provider does not answer.
        """
        log_in = LogIn(*(secrets.token_urlsafe(32) for _ in range(3)))
        async with self._client() as client:
            endpoints = await self._endpoints(client)
            # A desk is shared: whoever sits down now proves who they are, whoever the provider still knows.
            address, _ = client.create_authorization_url(
                endpoints.authorization_endpoint,
                state=log_in.state,
                nonce=log_in.nonce,
                code_verifier=log_in.verifier,
                prompt="login",
            )
        return str(address), log_in

    async def finish(self, address: str, log_in: LogIn) -> Operator:
        """Return who has come back.

        Args:
            address: at which they did, with its query.
            log_in: what was kept.

        Raises:
            LogInRefusedError: this is not the end of that log-in, or the provider refused it.
            NoRoleError: the person has no role or no office.
        """
        try:
            async with self._client() as client:
                endpoints = await self._endpoints(client)
                token = await client.fetch_token(
                    endpoints.token_endpoint,
                    authorization_response=address,
                    state=log_in.state,
                    code_verifier=log_in.verifier,
                )
                keys = KeySet.import_key_set(await _json(client, endpoints.jwks_uri))
            claims = self._checked(str(token["id_token"]), keys, log_in)
        except (AuthlibBaseError, JoseError, httpx.HTTPError, KeyError, ValueError) as fault:
            raise LogInRefusedError(type(fault).__name__) from fault
        return self._operator(claims)

    def _client(self) -> Any:  # noqa: ANN401 - Authlib has no types
        secret = self._settings.oidc_client_secret
        return AsyncOAuth2Client(
            self._settings.oidc_client_id,
            secret.reveal() if secret else None,
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
            redirect_uri=self._back,
            scope="openid profile",
            code_challenge_method="S256",
            timeout=_LONGEST,
        )

    async def _endpoints(self, client: Any) -> Endpoints:  # noqa: ANN401 - Authlib has no types
        issuer = self._settings.oidc_issuer
        try:
            told = await _json(client, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            endpoints = Endpoints.model_validate(told)
        except (httpx.HTTPError, ValueError) as fault:
            raise LogInRefusedError(type(fault).__name__) from fault
        places = (endpoints.authorization_endpoint, endpoints.token_endpoint, endpoints.jwks_uri)
        if endpoints.issuer != issuer or not all(map(_protected, places)):
            raise LogInRefusedError("another_issuer")
        return endpoints

    def _checked(self, token: str, keys: KeySet, log_in: LogIn) -> dict[str, Any]:
        claims = jwt.decode(token, keys, algorithms=_ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            leeway=_LEEWAY,
            iss={"essential": True, "value": self._settings.oidc_issuer},
            aud={"essential": True, "value": self._settings.oidc_client_id},
            nonce={"essential": True, "value": log_in.nonce},
            exp={"essential": True},
            iat={"essential": True},
        ).validate(claims)
        if claims.get("azp", self._settings.oidc_client_id) != self._settings.oidc_client_id:
            raise ValueError("issued to another")
        return claims

    def _operator(self, claims: Mapping[str, Any]) -> Operator:
        roles = _claim(claims, self._settings.oidc_roles_claim) or ()
        named = roles.split() if isinstance(roles, str) else roles
        ours = tuple(sorted(ROLES.intersection(named))) if isinstance(named, list | tuple) else ()
        try:
            id_ = _word.validate_python(_claim(claims, self._settings.oidc_id_claim))
            office = _line.validate_python(_claim(claims, self._settings.oidc_office_claim))
        except ValidationError:
            raise NoRoleError("no_office") from None
        if not ours:
            raise NoRoleError("no_role")
        return Operator(id=id_, office=office, name=str(claims.get("name", ""))[:200], roles=ours)


def _claim(claims: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 - any claim
    """Return a claim; a dot leads into one that is an object, as Keycloak's `realm_access.roles`."""
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


async def _json(client: Any, address: str) -> Any:  # noqa: ANN401 - Authlib has no types
    answer = await client.request("GET", address, withhold_token=True)
    answer.raise_for_status()
    return answer.json()


def _protected(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and is_local(parts.hostname or ""))
