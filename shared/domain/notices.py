"""Notifies the citizen: from a text's name to deliveries on the registered contacts."""

from collections.abc import Iterable, Mapping

from shared.contract.delivery import Language, Mail, Sms
from shared.crypto.secret import Secret
from shared.domain.account import Account, Contacts
from shared.domain.contacts import Mailbox, preferred_mailbox
from shared.domain.decision import DecisionContext, Delivery
from shared.italy.names import greeted
from shared.texts.catalogue import Texts, Written

Values = Mapping[str, str]


def by_sms(ctx: DecisionContext, to: str, text: str) -> Delivery:
    """Return an SMS to a mobile number."""
    return Delivery(ctx.delivery_id(), "sms", Sms(to, Secret(text)))


def by_mail(ctx: DecisionContext, mailbox: Mailbox, written: Written, language: Language) -> Delivery:
    """Return a mail to a mailbox, on the mailbox's channel."""
    channel, address = mailbox
    link = Secret(written.link) if written.link else None
    return Delivery(
        ctx.delivery_id(), channel, Mail(address, written.subject, Secret(written.text), language, link)
    )


def greeting(account: Account) -> dict[str, str]:
    """Return the value that every mail to a known citizen takes: the name in its greeting."""
    holder = account.holder
    return {"citizen": greeted(holder.name, holder.surname) if holder else ""}


class Notices:
    """Renders the texts of one worker for the registered contacts."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts

    def to_registered(
        self,
        account: Account,
        name: str,
        ctx: DecisionContext,
        sms: Values | None = None,
        mail: Values | None = None,
    ) -> tuple[Delivery, ...]:
        """Notify the citizen at the registered mobile and mailbox (the PEC, else the email)."""
        contacts = account.contacts
        preferred = preferred_mailbox(account)
        mailboxes = (preferred,) if preferred else ()
        return self.at(
            (contacts.mobile,) if contacts.mobile else (), mailboxes, account, name, ctx, sms, mail
        )

    def to_all(  # noqa: PLR0913, PLR0917 - a text and its places
        self,
        places: Iterable[Contacts],
        account: Account,
        name: str,
        ctx: DecisionContext,
        sms: Values | None = None,
        mail: Values | None = None,
    ) -> tuple[Delivery, ...]:
        """Notify the citizen at every mobile and every mailbox of some contacts, each once."""
        places = tuple(places)
        mobiles = dict.fromkeys(c.mobile for c in places if c.mobile)
        mailboxes: dict[Mailbox, None] = {}
        for c in places:
            mailboxes |= {("pec", c.pec): None} if c.pec else {}
            mailboxes |= {("email", c.email): None} if c.email else {}
        return self.at(tuple(mobiles), tuple(mailboxes), account, name, ctx, sms, mail)

    def at(  # noqa: PLR0913, PLR0917 - a text and its places
        self,
        mobiles: Iterable[str],
        mailboxes: Iterable[Mailbox],
        account: Account,
        name: str,
        ctx: DecisionContext,
        sms: Values | None = None,
        mail: Values | None = None,
    ) -> tuple[Delivery, ...]:
        """Notify the citizen at these numbers and mailboxes; a citizen who has died gets nothing."""
        if account.deceased_on:
            return ()
        language = account.language
        texts = [by_sms(ctx, to, self.texts.sms(name, language, **(sms or {}))) for to in mobiles]
        texts += [
            by_mail(ctx, box, self.texts.mail(name, language, **greeting(account), **(mail or {})), language)
            for box in mailboxes
        ]
        return tuple(texts)

    def outcome(self, account: Account, name: str, ctx: DecisionContext, **mail: str) -> tuple[Delivery, ...]:
        """Notify the citizen by email, else by PEC (R27)."""
        told = account.contacts.mail
        return self.at((), (told,) if told else (), account, name, ctx, mail=mail)
