"""Random and hostile input."""
