"""How good a ranking is, in numbers that can be checked by hand."""
