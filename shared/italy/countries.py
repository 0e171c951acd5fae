"""The only list of the countries of a residence, with the name of each on an envelope."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

_FILE = Path(__file__).parent / "data/countries.tsv"
_ROWS = tuple(line.split("\t") for line in _FILE.read_text(encoding="utf-8").splitlines())

COUNTRIES: Final[Mapping[str, str]] = MappingProxyType({code: name for code, name, _ in _ROWS})
"""From the codes of ISO 3166-1 alpha-2, and XK, which posts and the European Union use for Kosovo, to the
name in Italian capitals, for the last line of an address."""

WITHOUT_POSTAL_CODES: Final = frozenset(code for code, _, postal_code in _ROWS if not postal_code)
"""The countries whose addresses have no postal code."""
