"""What the packed program leaves out: for build.spec, and for the check that nothing needed is
missing.

Only data: parts of the standard library that nothing here imports but that PyInstaller would pack.
"""

from __future__ import annotations

import sys

# Never add: zipfile (the .pyz unpacks its files with it), _hashlib (SHA-256 is six times slower
# without it), encodings.idna, stringprep and unicodedata (socket.getaddrinfo needs them), _blake2
# (hashlib needs it; OpenSSL has all its other digests).
_PARTS = """
    bz2 _bz2 lzma _lzma decimal _decimal _pydecimal fractions statistics _statistics csv _csv
    _codecs_cn _codecs_hk _codecs_iso2022 _codecs_jp _codecs_kr _codecs_tw _multibytecodec
    sqlite3 _sqlite3 multiprocessing concurrent.futures.process concurrent.futures.interpreter
    unittest doctest pdb pydoc pydoc_data test lib2to3 distutils setuptools ensurepip venv
    turtle idlelib curses readline xml xmlrpc asyncio optparse tarfile ftplib smtplib imaplib
    poplib _pyrepl email http html importlib.metadata importlib.resources _pickle quopri
    py_compile pprint compression tracemalloc calendar _strptime _pydatetime getopt
    _md5 _sha1 _sha2 _sha256 _sha512 _sha3
    inspect dis opcode _opcode pickle _compat_pickle
"""
LEFT_OUT = frozenset(_PARTS.split())
if sys.platform != "win32":  # where we call functions of the system by it
    LEFT_OUT |= {"ctypes", "_ctypes"}

# ui/packed/stand_ins.py has what the standard library needs of these.
STOOD_IN_FOR = frozenset({"inspect", "pickle"})

# Inside the packed program Python uses UTF-8 for names, streams and texts, whatever the system
# says, so these encodings are enough.
_ENCODINGS = """
    aliases ascii charmap cp437 cp850 cp1252 idna iso8859_1 iso8859_15 latin_1 mbcs oem punycode
    raw_unicode_escape unicode_escape utf_16 utf_16_be utf_16_le utf_32 utf_32_be utf_32_le utf_8
    utf_8_sig
"""
KEPT_ENCODINGS = frozenset(_ENCODINGS.split())

# The standard library loads these where they exist, and does without them: they are optional, or
# only the modules above need them.
_TRIED = """
    bz2 _bz2 lzma _lzma _pickle tracemalloc _md5 _sha1 _sha2 _sha256 _sha512 _sha3
    inspect dis opcode _opcode pickle _compat_pickle
"""
TRIED_BY_PYTHON = frozenset(_TRIED.split())


def left_out_of(loaded: frozenset[str]) -> tuple[str, ...]:
    """The loaded modules that the packed program would lack, sorted."""
    return tuple(
        sorted(
            name
            for name in loaded
            if name in LEFT_OUT or any(name.startswith(f"{part}.") for part in LEFT_OUT)
        )
    )
