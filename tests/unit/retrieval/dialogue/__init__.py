"""Tests of the understanding of dialogues."""
