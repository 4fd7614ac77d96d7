"""The endpoints under `/api/workflow/`."""
