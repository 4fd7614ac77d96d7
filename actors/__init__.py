"""Who owns state over time."""
