"""The JSON API that operators and the console use."""
