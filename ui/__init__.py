"""What people see of LMKtorrent: the window and the terminal. It knows no sockets and no wire
formats.
"""
