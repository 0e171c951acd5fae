"""The demonstration: citizens ask for a PIN and live with it, before your eyes."""
