"""Municipalities, states and postal codes as tab-separated files; `README.md` names their sources."""
