"""From ranked chunks to context, citations and an extractive answer."""
