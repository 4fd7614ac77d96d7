"""What tests need that walk over every route, or send anything to it."""
