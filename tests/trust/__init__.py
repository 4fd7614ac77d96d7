"""The findings of the review of trust, a named test each."""
