"""Tests of the rules of the inbox."""
