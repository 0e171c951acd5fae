"""Telling the citizen: from a text's name to deliveries on the registered contacts."""

from collections.abc import Iterable, Mapping
from typing import Literal

from shared.account import Account, Contacts
from shared.decision import Delivery, Moment
from shared.delivery import Language, Mail, Sms
from shared.italy.names import greeted
from shared.secret import Secret
from shared.texts import Texts, Written

Values = Mapping[str, str]
Mailbox = tuple[Literal["pec", "email"], str]


def by_sms(at: Moment, to: str, text: str) -> Delivery:
    """Return an SMS to a mobile number."""
    return Delivery(at.uuid(), "sms", Sms(to, Secret(text)))


def by_mail(at: Moment, mailbox: Mailbox, written: Written, language: Language) -> Delivery:
    """Return a mail to a mailbox, on the channel that the mailbox is of."""
    channel, address = mailbox
    link = Secret(written.link) if written.link else None
    return Delivery(at.uuid(), channel, Mail(address, written.subject, Secret(written.text), language, link))


def greeting(account: Account) -> dict[str, str]:
    """Return the value that every mail to a known citizen takes: whom it greets."""
    holder = account.holder
    return {"citizen": greeted(holder.name, holder.surname) if holder else ""}


class Teller:
    """Renders the texts of one worker to the registered contacts."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts

    def everywhere(
        self, account: Account, name: str, at: Moment, sms: Values | None = None, mail: Values | None = None
    ) -> tuple[Delivery, ...]:
        """Tell the citizen at the registered mobile and mailbox (the PEC, else the email)."""
        contacts = account.contacts
        mailboxes = (contacts.mailbox,) if contacts.mailbox else ()
        return self.at((contacts.mobile,) if contacts.mobile else (), mailboxes, account, name, at, sms, mail)

    def at_all(  # noqa: PLR0913, PLR0917 - a text and its places
        self,
        places: Iterable[Contacts],
        account: Account,
        name: str,
        at: Moment,
        sms: Values | None = None,
        mail: Values | None = None,
    ) -> tuple[Delivery, ...]:
        """Tell the citizen at every mobile and every mailbox of some contacts, each once."""
        places = tuple(places)
        mobiles = dict.fromkeys(c.mobile for c in places if c.mobile)
        mailboxes: dict[Mailbox, None] = {}
        for c in places:
            mailboxes |= {("pec", c.pec): None} if c.pec else {}
            mailboxes |= {("email", c.email): None} if c.email else {}
        return self.at(tuple(mobiles), tuple(mailboxes), account, name, at, sms, mail)

    def at(  # noqa: PLR0913, PLR0917 - a text and its places
        self,
        mobiles: Iterable[str],
        mailboxes: Iterable[Mailbox],
        account: Account,
        name: str,
        at: Moment,
        sms: Values | None = None,
        mail: Values | None = None,
    ) -> tuple[Delivery, ...]:
        """Tell the citizen at these numbers and mailboxes; of one who has died, nobody."""
        if account.deceased_on:
            return ()
        language = account.language
        texts = [by_sms(at, to, self.texts.sms(name, language, **(sms or {}))) for to in mobiles]
        texts += [
            by_mail(at, box, self.texts.mail(name, language, **greeting(account), **(mail or {})), language)
            for box in mailboxes
        ]
        return tuple(texts)

    def outcome(self, account: Account, name: str, at: Moment, **mail: str) -> tuple[Delivery, ...]:
        """Tell the citizen by email, the PEC in its place (R27)."""
        mailbox = account.contacts.mail
        return self.at((), (mailbox,) if mailbox else (), account, name, at, mail=mail)
