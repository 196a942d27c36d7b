"""Sockets whose calls wait in the system, not in Python."""

from __future__ import annotations

import socket
import struct
import sys


def wait_in_system(link: socket.socket, timeout_s: float) -> None:
    """Have a call of this socket wait so long at most; then it raises TimeoutError, or
    BlockingIOError on Linux.

    There the system sends on by itself when there is room. Else Python asks it before each call
    whether there is, and its thread is woken a dozen times for each part: most of what sending
    costs.
    """
    link.settimeout(timeout_s)
    if sys.platform == "linux":
        timeout = struct.pack("@ll", int(timeout_s), int(timeout_s % 1 * 1e6))
        link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
        link.settimeout(None)
