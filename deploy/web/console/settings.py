"""The settings of the console, beside those of all pages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from deploy.web.console.users import UsersFile
from deploy.web.settings import WebSettings
from shared.config.plaintext import is_local
from shared.config.settings import Names, SecretSetting

CONTACT_CENTRE: Final = "contact_centre"
BRANCH: Final = "branch"
SUPERVISOR: Final = "supervisor"
ROLES: Final = frozenset({CONTACT_CENTRE, BRANCH, SUPERVISOR})


class ConsoleSettings(WebSettings):
    """What the console needs: who its people are, and what it may show them."""

    console_users: Path | None = None
    """TOML file of the people who log in with a password, read anew whenever it changes. Either this or
    `PIN_OIDC_ISSUER`."""
    console_roles: Names = ROLES
    """The roles that this console serves, of `contact_centre`, `branch` and `supervisor`; others that a
    person has count for nothing here. Narrow it where its broker user has the rights of one desk alone."""
    supervisor_amqp_url: SecretSetting | None = None
    """The broker, as the user `supervisor`: it asks what a command led to, and reads `pin.dead`, which it
    could also empty. Without it supervisors see the lanes alone."""
    oidc_issuer: str = ""
    """Identity provider of OpenID Connect, such as `https://id.example.it`: people log in there. Either this
    or `PIN_CONSOLE_USERS`."""
    oidc_client_id: str = ""
    """As the provider knows this console."""
    oidc_client_secret: SecretSetting | None = None
    """Its secret there; a public client has none, and PKCE alone protects the code."""
    oidc_id_claim: str = "sub"
    """Claim that names a person in commands and in the ledger: one that is never given to another."""
    oidc_office_claim: str = "office"
    """Claim of the person's office."""
    oidc_roles_claim: str = "roles"
    """Claim of the person's roles, a list or words, named as in `PIN_CONSOLE_ROLES`."""

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with the people and the roles."""
        yield from super().faults()
        if bool(self.console_users) == bool(self.oidc_issuer):
            yield "PIN_CONSOLE_USERS, PIN_OIDC_ISSUER: one of the two says who the people are"
        if self.console_users and (fault := UsersFile(self.console_users).fault()):
            yield f"PIN_CONSOLE_USERS: {fault}"
        if unknown := self.console_roles - ROLES:
            yield f"PIN_CONSOLE_ROLES: there is no role {', '.join(sorted(unknown))}"
        if self.oidc_issuer:
            yield from self._faults_of_provider()

    def _faults_of_provider(self) -> Iterator[str]:
        parts = urlsplit(self.oidc_issuer)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            yield "PIN_OIDC_ISSUER: no address, such as https://id.example.it"
        elif parts.scheme == "http" and not is_local(parts.hostname):
            yield "PIN_OIDC_ISSUER: by http:// whoever is on the way is anybody; it is for this machine only"
        if not self.oidc_client_id:
            yield "PIN_OIDC_CLIENT_ID: the provider has to know this console by it"
