"""The dispositivo worker's texts to the citizen."""

from pathlib import Path

from shared.domain.notices import Notices
from shared.texts.catalogue import Texts

TEXTS = Texts(Path(__file__).parent / "templates")
NOTICES = Notices(TEXTS)
