"""Sending: who is served, which chunk comes next, and one thread for each leecher."""
