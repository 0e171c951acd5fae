"""What is valid in Italian personal data: codice fiscale, places, residence, phones, mailboxes, names.

Every function is pure. The data are loaded once, at import, from the files in `data`.
"""
