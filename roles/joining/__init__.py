"""A member's side of the tracker: being in the room, and knowing what it offers."""
