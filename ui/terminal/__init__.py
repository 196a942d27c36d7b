"""The program without a window. It never loads tkinter."""
