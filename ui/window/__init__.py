"""The program's window, in Tk. Roles reach it through event_pump only."""
