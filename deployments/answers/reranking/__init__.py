"""How a cross-encoder comes to a replica: found, compiled, kept, loaded."""
