"""Alerts, and the shares of tenants in the monitor."""
