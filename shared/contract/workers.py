"""The workers that speak on the broker, by the name of their user there (and of their role on the ledger)."""

from typing import Final

ISSUER, NOTIFIER, REVOKER, DISPOSITIVO = "issuer", "notifier", "revoker", "dispositivo"
WORKERS: Final = frozenset({ISSUER, NOTIFIER, REVOKER, DISPOSITIVO})
