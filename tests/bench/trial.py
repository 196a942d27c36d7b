"""A small program, packed like ours, that tests.bench.start compares ours with.

Without a command it opens a Tk window with what ours begins with: tabs, fields, buttons, a table.
With `tracker` it opens a socket and prints where it listens. A signal ends it.
"""

from __future__ import annotations

import signal
import socket
import sys


def main() -> None:
    """Do what the command line says; it ignores arguments that are for our program."""
    if "tracker" in sys.argv[1:]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
            listener.bind(("127.0.0.1", 0))
            host, port = listener.getsockname()
            sys.stdout.write(f"listening on {host}:{port}.\n")
            sys.stdout.flush()
            signal.pause()
    else:
        show_window()


def show_window() -> None:
    """Until the process is told to end."""
    import tkinter as tk
    from tkinter import ttk

    root = tk.Tk()
    root.title("trial")
    root.geometry("900x600+20+20")
    tabs = ttk.Notebook(root)
    for name in ("Leecher", "Seeder", "Tracker"):
        tab = ttk.Frame(tabs, padding=10)
        tabs.add(tab, text=name)
        row = ttk.Frame(tab)
        row.pack(fill="x")
        ttk.Label(row, text=name).pack(side="left")
        ttk.Entry(row).pack(side="left", fill="x", expand=True)
        ttk.Button(row, text="Start").pack(side="left")
        ttk.Treeview(tab, columns=("size",), height=18).pack(fill="both", expand=True)
    tabs.pack(fill="both", expand=True)
    root.mainloop()


if __name__ == "__main__":
    main()
