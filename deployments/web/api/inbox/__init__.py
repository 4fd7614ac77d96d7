"""The routes of the inbox beside answering: what people keep of a conversation."""
