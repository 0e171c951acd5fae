"""What can be set about PEC receipts: whose signatures count."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from shared.config.settings import Settings
from shared.config.tls import TlsFiles


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose signatures count, and how old.

    Attributes:
        authorities: file of certificates, each of which a chain may end at.
        sha1: whether a signature over a SHA-1 digest counts.
        within: how long ago one may have been made, at most.
    """

    authorities: str
    sha1: bool
    within: timedelta


class PecSettings(Settings):
    """Settings of the understanding of PEC receipts, from `PIN_…`."""

    pec_trust: str = ""
    """File of certificates (PEM), at one of which the chain of a receipt's signature has to end: of the
    authorities of PEC providers, or of the providers themselves. One that others get certificates from too is
    no risk as long as it gives none for `posta-certificata@…` to them. Empty, or a wrong one, and no receipt
    counts: all are filed for a person to look at, and deliveries stay `sent`."""
    pec_sha1: bool = True
    """Whether a signature over a SHA-1 digest counts, as some providers still make them. `false` files their
    receipts for a person to look at; `true` trusts that nobody makes a provider sign one of two texts with
    the same digest, which costs some ten thousand euros a time, and needs the provider to sign in turn. It
    demands no strength of the certificates in a chain either."""
    pec_signed_within: Annotated[timedelta, Field(ge=timedelta(days=1))] = timedelta(days=30)
    """How long before it is read a receipt may have been signed. Longer lets whoever stole the key of a
    certificate that has expired since date receipts back for longer; shorter counts no receipt that waited in
    the mailbox for longer."""

    @property
    def trust(self) -> Trust:
        """Whose signatures count."""
        return Trust(self.pec_trust, self.pec_sha1, self.pec_signed_within)

    def faults(self) -> Iterator[str]:
        """Yield a file of authorities that holds none, and a machine that cannot verify."""
        yield from super().faults()
        if self.pec_trust and (fault := TlsFiles(self.pec_trust).fault()):
            yield f"PIN_PEC_TRUST: {fault}"
        if self.pec_trust and not shutil.which("openssl"):
            yield "PIN_PEC_TRUST: the program `openssl`, which verifies, is not installed"
