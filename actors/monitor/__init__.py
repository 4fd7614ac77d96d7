"""The health monitor: checks services, records results, and sends alerts."""
