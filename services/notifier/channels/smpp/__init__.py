"""SMPP 3.4, by which SMS carriers are spoken to."""
