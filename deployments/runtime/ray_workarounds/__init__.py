"""Workarounds of Ray, each with the version it was checked on and what ends its need.

The docstring of each module says so in three lines, `Ray`, `Problem` and `Needless`. A
test compares the version with the installed one, so that an upgrade asks for a review.
"""
