"""Channels: a folder each for Instagram, Telegram and the website."""
