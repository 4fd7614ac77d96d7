"""Tests of what a question is rewritten to."""
