"""The endpoints under `/api/monitor/`."""
