"""Faults that were found, as the events that showed them."""
