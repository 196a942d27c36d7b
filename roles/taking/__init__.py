"""Receiving contents by LMK/2 from many peers at once."""
