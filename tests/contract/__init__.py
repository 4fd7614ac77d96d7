"""Contract tests of the ports, run over each implementation."""
