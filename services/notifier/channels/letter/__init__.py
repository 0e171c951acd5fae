"""The letter that carries the second half of a PIN."""

from services.notifier.channels.letter.typeset import Letter, prepare, typeset

__all__ = ["Letter", "prepare", "typeset"]
