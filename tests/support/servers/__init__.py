"""Servers that tests talk to: fakes of platforms, and real programs."""
