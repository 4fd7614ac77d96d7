"""The monitor's rules: pure decisions about health, flapping and alerts."""
