"""Accounts: sign-ins, people, keys of programs, the demo."""
