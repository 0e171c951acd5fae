"""The application for the PIN dispositivo, as a page to print and sign."""

from services.dispositivo.form.typeset import prepare, typeset

__all__ = ["prepare", "typeset"]
