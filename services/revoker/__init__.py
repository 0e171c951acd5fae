"""The revoker: restores a lost PIN (R13-R17) or ends one (R18-R21)."""
