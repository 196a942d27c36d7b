"""What people see of LMKtorrent: the window and the terminal. It knows no socket and no wire."""
