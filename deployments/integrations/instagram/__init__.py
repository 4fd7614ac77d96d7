"""Instagram: reading webhooks, sending, accounts."""
