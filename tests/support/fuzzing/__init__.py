"""Random webhooks: what platforms document, and how anybody may break it."""
