"""Finds clinical notes by meaning, and the patients they belong to."""
