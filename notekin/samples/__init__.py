"""Invented notes of invented patients, to try Notekin on."""
