"""One named test per finding of the security review."""
