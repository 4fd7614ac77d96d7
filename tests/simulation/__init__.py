"""Whole histories of a shard under a virtual clock, with everything failing in them."""
