"""Tests of workflows, pure."""
