"""The program's window, in Tk. Roles reach it only through event_pump."""
