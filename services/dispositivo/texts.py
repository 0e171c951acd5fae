"""The dispositivo worker's texts to the citizen."""

from pathlib import Path

from shared.telling import Teller
from shared.texts import Texts

TEXTS = Texts(Path(__file__).parent / "templates")
TELLER = Teller(TEXTS)
