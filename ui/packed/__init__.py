"""How the program lives as one packed file on a strange machine. It knows no window and no role."""
