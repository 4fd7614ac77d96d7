"""Anomaly detection over checks, and digests written from its facts."""
