"""The inbox: views, threads, what people do in them, and the live channel."""
