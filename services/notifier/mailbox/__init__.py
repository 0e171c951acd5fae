"""The mailboxes in which what became of a mail is told: PEC receipts, and bounces of ordinary mail."""
