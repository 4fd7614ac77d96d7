"""Whether parts work: probes for `/readyz`, counters for `/metrics`."""
