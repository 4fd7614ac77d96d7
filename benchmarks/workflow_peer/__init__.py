"""The same workflows with DBOS, to measure beside ours."""
