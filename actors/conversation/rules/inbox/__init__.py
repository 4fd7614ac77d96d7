"""The rules of what people do in the inbox."""
