"""The shard: inbox, batches, timers, effect runner and Redis mirror."""
