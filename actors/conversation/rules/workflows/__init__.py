"""The one place where a conversation calls its workflows."""
