"""What people see of LMKtorrent: the window and the terminal. No sockets, and nothing of the wire."""
