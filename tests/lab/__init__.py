"""Emulated rooms: many computers with limited links on one machine: python3 -m tests.lab."""
