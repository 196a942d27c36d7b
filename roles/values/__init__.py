"""Immutable values that all other packages share. No I/O, no clock, no threads."""
