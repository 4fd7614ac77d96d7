"""The health monitor: checks services, remembers, judges, and tells."""
