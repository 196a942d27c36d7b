"""The commands of the terminal. They never load tkinter."""
