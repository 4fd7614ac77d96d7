"""Documents as shops hand them in, read into blocks."""
