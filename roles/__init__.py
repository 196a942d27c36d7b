"""Tracker, seeder and leecher, without a window: nothing here knows tkinter or ui."""

__version__ = "1.3.0"
PROTOCOL_VERSION = 2  # LMK/2, which speaks LMK/1 too: see docs/PROTOCOL.md
