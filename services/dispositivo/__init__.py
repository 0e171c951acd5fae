"""The dispositivo profile, and the istanze that wait for it."""
