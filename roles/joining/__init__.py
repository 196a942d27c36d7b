"""The tracker seen from a peer: being in the room, knowing what it offers."""
