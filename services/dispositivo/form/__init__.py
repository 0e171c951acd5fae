"""The application for the PIN dispositivo, as a page to print and sign."""

from services.dispositivo.form.typeset import Form, prepare, typeset

__all__ = ["Form", "prepare", "typeset"]
