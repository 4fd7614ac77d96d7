"""Channels: how their messages are read, stored and sent."""
