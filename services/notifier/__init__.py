"""The notifier: delivers by SMS, email, PEC and post."""
