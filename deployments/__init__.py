"""The edge: HTTP, channels, answers, and how all of it is started."""
