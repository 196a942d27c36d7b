"""Receiving contents from many peers at once, and how peers meet."""
