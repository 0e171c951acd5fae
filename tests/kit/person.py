"""A test person: a citizen with the replies and halves they received."""

from dataclasses import dataclass, field
from uuid import UUID

from deploy.local.inbox import Body


@dataclass
class Person:
    """A citizen as the portal knows them, and the secrets they received."""

    body: Body
    carriers: dict[str, UUID] = field(default_factory=dict)
    """The deliveries that brought the halves, by channel."""
    initial: str = ""
    pin: str = ""

    @property
    def codice_fiscale(self) -> str:
        """The codice fiscale."""
        return str(self.body["codice_fiscale"])

    def with_contacts(self) -> Body:
        """Return the body of a `restore.request`: the contacts that this person can name."""
        contacts = {k: v for k, v in self.body["contacts"].items() if k != "home_phone"}
        return {"codice_fiscale": self.codice_fiscale, "contacts": contacts}
