"""Platforms' own formats, turned into events."""

from deployments.channels.directory import ChannelDirectory
from deployments.channels.throttle import VisitorThrottle

__all__ = ["ChannelDirectory", "VisitorThrottle"]
