"""Settings, flags, prompts, logging and metrics of the runtime."""
