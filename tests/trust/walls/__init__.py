"""What the monitor may reach, and what stops it."""
