"""The keys of a private room: what its members share, and what its tracker stores."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path

from roles.disk.state_file import StateFile
from roles.private.certificate import KEY_SIZE, DeviceKey
from roles.private.handshake_wire import ROOM_DIGITS, SECRET_SIZE
from roles.private.p256 import ORDER
from roles.values import room_code
from roles.values.errors import StorageError, UserInputError

_HEX = re.compile("[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class RoomKeys:
    """Whoever has the secret is a member."""

    room: str  # its id
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TrackerKeys:
    """They stay the same at each start, unless the user gives another code."""

    code: str = field(repr=False)
    room: RoomKeys
    key: DeviceKey
    notice: str = ""  # a sentence if they cannot be stored

    @classmethod
    def kept(cls, path: Path | None, code: str) -> TrackerKeys:
        """Those of the last run, or new ones. `code`: the one that the user chose, "" for the last
        one, or a new one if there is none.

        Another code brings another room and secret, which shuts out all who joined with the old
        one.
        """
        file = None if path is None else StateFile(path, is_secret=True)
        before = None if file is None else _read(file)
        if before is not None and code in ("", before.code):
            return before
        room = RoomKeys(secrets.token_hex(ROOM_DIGITS // 2), secrets.token_bytes(SECRET_SIZE))
        made = cls(code or room_code.new(), room, before.key if before else DeviceKey.made())
        if file is None:
            return made
        try:
            file.write(made._encoded())
        except StorageError as error:
            return replace(made, notice=f"After a restart this room will have a new code: {error}")
        return replace(made, notice=file.notice)

    def _encoded(self) -> bytes:
        kept = {
            "code": self.code,
            "room": self.room.room,
            "secret": self.room.secret.hex(),
            "key": self.key.scalar.to_bytes(KEY_SIZE, "big").hex(),
            "certificate": self.key.certificate.hex(),
        }
        return json.dumps(kept).encode()


def _read(file: StateFile) -> TrackerKeys | None:
    match file.read():
        case None:
            return None
        case {
            "code": str(code),
            "room": str(room),
            "secret": str(secret),
            "key": str(key),
            "certificate": str(certificate),
        } if _are_keys(code, room, secret, key, certificate):
            number = int(key, 16)
            device = DeviceKey(number, bytes.fromhex(certificate))
            return TrackerKeys(code, RoomKeys(room, bytes.fromhex(secret)), device)
        case _:
            file.keep_aside("it has no keys of a room")
            return None


def _are_keys(code: str, room: str, secret: str, key: str, certificate: str) -> bool:
    try:
        is_code = room_code.parsed(code) == code
    except UserInputError:
        return False
    lengths = len(room), len(secret), len(key)
    return (
        is_code
        and lengths == (ROOM_DIGITS, 2 * SECRET_SIZE, 2 * KEY_SIZE)
        and all(map(_HEX.fullmatch, (room, secret, key, certificate)))
        and len(certificate) % 2 == 0
        and 0 < int(key, 16) < ORDER
    )
