"""Random mutations for every parser of bytes and texts from outside."""
