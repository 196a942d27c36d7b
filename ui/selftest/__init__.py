"""The checks of `lmktorrent --selftest`: whether this copy of the program is complete."""
