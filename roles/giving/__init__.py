"""Sending to leechers, of LMK/2 and of LMK/1."""
