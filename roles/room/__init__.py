"""The tracker's table of a room, and how it answers."""
