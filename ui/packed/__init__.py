"""How the program lives as one packed file on a foreign machine. It knows no window and no role."""
