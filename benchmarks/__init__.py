"""Programs that measure the runtime beside something real, in the same run."""
