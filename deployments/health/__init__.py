"""Health of the parts for `/readyz`, and their counters for `/metrics`."""
