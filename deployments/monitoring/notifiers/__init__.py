"""Notifiers: one module for each kind of route that alerts take."""
