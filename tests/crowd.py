"""Browsers that keep a seeder from its work."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress


class Crowd:
    """Browsers that keep a seeder from its work: a third each is silent, drips, or takes nothing.
    They come again when they are left. A context manager.
    """

    DRIP_S = 0.1

    def __init__(self, address: tuple[str, int], path: str, browsers: int) -> None:
        """`path`: of something large."""
        self._address, self._count = address, browsers
        host = f"{address[0]}:{address[1]}"
        self._asked = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lmk-test")
        self._selector = selectors.DefaultSelector()
        self._deaf = list[socket.socket]()  # who take nothing, and so see nothing of being left
        self.came = 0  # connections so far

    def __enter__(self) -> Crowd:
        for number in range(self._count):
            self._come(number)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        for sock in self._deaf:
            sock.close()
        self._selector.close()

    def _come(self, number: int) -> None:
        """From some dozen addresses, or the places of one host would be all that they take."""
        sock = socket.socket()
        with suppress(OSError):
            sock.bind((f"127.0.0.{2 + number % 60}", 0))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.settimeout(1.0)
        with suppress(OSError):
            sock.connect(self._address)
            if number % 3:
                sock.sendall(self._asked if number % 3 == 2 else b"G")
        sock.setblocking(False)
        self.came += 1
        if number % 3 == 2:
            self._deaf.append(sock)
        else:
            self._selector.register(sock, selectors.EVENT_READ, number)

    def _run(self) -> None:
        while not self._stopping.wait(self.DRIP_S):
            for key, _ in self._selector.select(0):
                self._again(key)
            for key in list(self._selector.get_map().values()):
                if key.data % 3 == 1:
                    self._drip(key)

    def _drip(self, key: selectors.SelectorKey) -> None:
        assert isinstance(key.fileobj, socket.socket)
        try:
            key.fileobj.send(b"E")
        except BlockingIOError:
            pass
        except OSError:
            self._again(key)

    def _again(self, key: selectors.SelectorKey) -> None:
        assert isinstance(key.fileobj, socket.socket)
        self._selector.unregister(key.fileobj)
        key.fileobj.close()
        self._come(key.data)
