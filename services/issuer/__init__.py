"""The issuer: a confirmed request becomes a PIN; first access and log-in."""
