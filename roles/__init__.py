"""Tracker, seeder and leecher, without a window: nothing here knows tkinter or ui."""

__version__ = "1.0.0"
PROTOCOL_VERSION = 1  # LMK/1, see docs/PROTOCOL.md
