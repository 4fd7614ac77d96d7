"""Indexes of the tenants in memory, and the knowledge that is read into them."""
