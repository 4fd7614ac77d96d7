"""What the runtime is told: settings, prompt rules, logging, metrics."""
