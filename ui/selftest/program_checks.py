"""What the program needs: of its Python, its own files, folders to write to, and its roles.

The packed program has its own Python, without some parts; these checks notice if one part too many
was left out. Nothing leaves this computer, and nothing stays on its disk.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from roles.net.name_lookup import looked_up
from roles.net.throttle import Throttles
from roles.program.profile import NOWHERE, Profile, bundled_folder, is_frozen
from roles.values import figures
from roles.values.addresses import Address
from roles.values.errors import TrackerSilentError
from ui.exit_codes import ExitCode
from ui.selftest.check import Check, NothingToLookAtError, SelftestError
from ui.selftest.left_out import LEFT_OUT, STOOD_IN_FOR, TRIED_BY_PYTHON, left_out_of
from ui.terminal.demo_command import share_on_loopback
from ui.terminal.output import Output

_TAKE_ANOTHER = (
    "Take another copy of the program, or build it again: this one lacks a part of Python."
)
_CODECS = ("utf-8", "utf-8-sig", "utf-16", "latin-1", "ascii", "cp1252", "cp437", "punycode")
_PNG = b"\x89PNG\r\n\x1a\n"
_BLOCK = bytes(1 << 20)
_HASH_S = 0.15  # seconds of hashing, for a speed that means something
_PYTHON_START_S = 10.0
_SAMPLE = b"LMKtorrent looks whether it can write here.\n"
_MADE_SIZE = 1_500_000  # bytes; a file with several chunks
_MADE_NAME = "made for this test.bin"


def program_checks(profile: Profile) -> tuple[Check, ...]:
    """The checks, in the order of their lines."""
    elsewhere = "Make it writable, or name another folder with --profile."
    return (
        Check("text codecs", _look_at_codecs, _TAKE_ANOTHER),
        Check("names of computers", _look_up_this_computer, _TAKE_ANOTHER),
        Check("hashing", _look_at_hashing, "Use a Python that was built with OpenSSL."),
        Check("encryption", _look_at_ssl, _TAKE_ANOTHER),
        Check("files of the program", _look_at_files, "Take another copy of the program."),
        Check("settings", lambda: _write_in(profile.settings_file.parent), elsewhere),
        Check("state and logs", lambda: _write_in(profile.state_folder), elsewhere),
        Check(
            "temporary files",
            lambda: _write_in(Path(tempfile.gettempdir())),
            "Free some space there, or set TMPDIR (on Windows TEMP) to a writable folder.",
        ),
        Check(
            "tracker, seeder and leecher on loopback",
            _share_and_compare,
            "Check whether a firewall or a virus scanner blocks the program on this computer.",
        ),
    )


def left_out_check() -> Check:
    """Runs last, when everything that is used has been loaded."""
    return Check(
        "parts of Python that the executable leaves out",
        _look_for_left_out,
        "Take them out of LEFT_OUT in ui/selftest/left_out.py, or do without them.",
    )


def _look_at_codecs() -> str:
    for codec in _CODECS:
        if "abc".encode(codec).decode(codec) != "abc":
            raise SelftestError(f"The codec {codec} damages text")
    if "münchen.lab".encode("idna") != b"xn--mnchen-3ya.lab":
        raise SelftestError("The codec idna encodes a name wrongly")
    return f"{len(_CODECS) + 1} of them, streams use {getattr(sys.stdout, 'encoding', 'none')}"


def _look_up_this_computer() -> str:
    try:
        addresses = looked_up(Address("localhost", 1), threading.Event())
    except TrackerSilentError:
        raise NothingToLookAtError(
            "this computer does not know the name localhost; addresses as numbers work."
        ) from None
    return f"localhost is {addresses[0].host}"


def _look_at_hashing() -> str:
    made_by = type(hashlib.sha256()).__module__
    if made_by != "_hashlib":
        raise SelftestError(f"SHA-256 comes from {made_by} and not from OpenSSL: it is slow")
    return f"SHA-256 {_hash_speed()} by OpenSSL"


def _hash_speed() -> str:
    """The speed of the fastest block.

    A block takes less than a millisecond, so some are hashed without interruption even while other
    programs keep every processor busy.
    """
    digest, fastest_s = hashlib.sha256(), _HASH_S
    end = time.perf_counter() + _HASH_S
    while (begun := time.perf_counter()) < end:
        digest.update(_BLOCK)
        fastest_s = min(fastest_s, time.perf_counter() - begun)
    return figures.rate(len(_BLOCK) / fastest_s)


def _look_at_ssl() -> str:
    try:
        import ssl
    except ImportError as error:
        if is_frozen():
            raise
        raise NothingToLookAtError(f"this Python has no ssl ({error}).") from None
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return ssl.OPENSSL_VERSION


def _look_at_files() -> str:
    pictures = sorted(bundled_folder("assets").glob("*.png"))
    examples = sorted(path for path in bundled_folder("data").rglob("*") if path.is_file())
    if not pictures or not examples:
        raise SelftestError("The icons in assets/ or the example files in data/ are missing")
    for picture in pictures:
        if not picture.read_bytes().startswith(_PNG):
            raise SelftestError(f"{picture} is no picture")
    size = sum(len(path.read_bytes()) for path in examples)
    count = figures.count(len(examples), "example file")
    return f"{figures.count(len(pictures), 'icon')}, {count} of {figures.size(size)}"


def _write_in(folder: Path) -> str:
    """Write there, or where the folder would be made, and leave nothing behind."""
    if folder.is_relative_to(NOWHERE):
        raise NothingToLookAtError("this user has no home folder. Choose a folder with --profile.")
    present = next((path for path in (folder, *folder.parents) if path.is_dir()), folder)
    try:
        with tempfile.TemporaryFile(dir=present, prefix="lmk-selftest-") as file:
            file.write(_SAMPLE)
            file.seek(0)
            if file.read() != _SAMPLE:
                raise SelftestError(f"What was written in {present} reads differently")
    except OSError as error:
        raise SelftestError(f"{present} cannot be written ({error.strerror or error})") from None
    return str(folder) if present == folder else f"{folder}, which will be made on first use"


def _share_and_compare() -> str:
    with tempfile.TemporaryDirectory(prefix="lmk-selftest-", ignore_cleanup_errors=True) as name:
        shared, taken = Path(name) / "shared", Path(name) / "taken"
        # copyfile: contents are enough, and wine lacks a call that copy2 makes
        shutil.copytree(bundled_folder("data"), shared, copy_function=shutil.copyfile)
        (shared / "folder").mkdir()
        (shared / "folder" / _MADE_NAME).write_bytes(random.Random(1).randbytes(_MADE_SIZE))
        begun, quiet = time.monotonic(), Output(quiet=True)
        code, wanted, _ = share_on_loopback(shared, taken, quiet, Throttles(), any_port=True)
        spent = time.monotonic() - begun
        sizes = _compared(shared, taken / shared.name)
    if code is not ExitCode.DONE:
        raise SelftestError(f"The download ended with the exit code {code}")
    if not all(file.root for item in wanted for file in item.files):
        raise SelftestError("Some files have no identity of LMK/2")
    files = figures.count(len(sizes), "file")
    return (
        f"{files}, {figures.size(sum(sizes))}, the same as at the seeder, in {spent:.1f} s by LMK/2"
    )


def _compared(shared: Path, taken: Path) -> list[int]:
    """The sizes of all files. Raises SelftestError if one is missing or differs."""
    sizes = []
    for path in sorted(path for path in shared.rglob("*") if path.is_file()):
        content, copy = path.read_bytes(), taken / path.relative_to(shared)
        if not copy.is_file():
            raise SelftestError(f"“{path.name}” did not arrive")
        if copy.read_bytes() != content:
            raise SelftestError(f"“{path.name}” arrived with other content")
        sizes.append(len(content))
    return sizes


def _look_for_left_out() -> str:
    # Modules that are built into Python's own library (more of them on Windows) cannot be left out.
    loaded = frozenset(sys.modules) - frozenset(sys.builtin_module_names) - STOOD_IN_FOR
    if not is_frozen():
        loaded -= _loaded_by_python_itself() | TRIED_BY_PYTHON
    missed = left_out_of(loaded)
    if missed:
        raise SelftestError(f"Used, although left out: {', '.join(missed)}")
    return f"none of {len(LEFT_OUT)} is in use"


def _loaded_by_python_itself() -> frozenset[str]:
    """What Python on this computer loads before any program: some systems add to that."""
    command = [sys.executable, "-c", "import sys; print(*sys.modules)"]
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=_PYTHON_START_S, check=False
    )
    return frozenset(ran.stdout.split())
