"""How a citizen's identity was established: the latest recognition counts, the earlier ones stay (R8)."""

from shared.domain.account import Account, Document, Recognition


def recognised(account: Account, recognition: Recognition | None, **changes: object) -> Account:
    """Return the account with a new recognition, or with none in force; earlier ones are kept.

    Args:
        account: of the citizen.
        recognition: the one in force from now on.
        changes: other fields to change.
    """
    earlier = (account.recognition,) if account.recognition else ()
    changed: Account = account.but(
        recognition=recognition, recognised_before=(*account.recognised_before, *earlier), **changes
    )
    return changed


def recognitions(account: Account) -> tuple[Recognition, ...]:
    """Return every recognition on record, oldest first."""
    latest = (account.recognition,) if account.recognition else ()
    return (*account.recognised_before, *latest)


def known_document(account: Account) -> Document | None:
    """Return the identity document on file: the open request's, else that of the latest recognition."""
    if account.dispositivo and account.dispositivo.document:
        return account.dispositivo.document
    documents = (recognition.document for recognition in reversed(recognitions(account)))
    return next((document for document in documents if document), None)
