"""Stories, models and doubles of conversations."""
