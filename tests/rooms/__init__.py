"""Rooms on a virtual clock: the program's own decisions, and links that do not exist."""
