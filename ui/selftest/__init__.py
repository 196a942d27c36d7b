"""Whether this copy of the program is whole: what `lmktorrent --selftest` looks at."""
