"""Cross-encoders: compiled once, then run in 8 bits, or as they are."""
