"""Telegram: reading updates, sending, the webhook."""
