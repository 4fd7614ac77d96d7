"""Telegram: its webhook, and sending through the Bot API."""
