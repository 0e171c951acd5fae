"""What deserves a person's attention, read from the logs: one source, and the rules made from it."""
