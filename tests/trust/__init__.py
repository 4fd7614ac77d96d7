"""One named test for each finding of the security review."""
