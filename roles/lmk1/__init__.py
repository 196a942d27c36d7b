"""The protocol of the original programs, LMK/1."""
