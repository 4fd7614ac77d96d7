"""Checks of services: slots, requests, egress policy, conditions and outcomes."""
