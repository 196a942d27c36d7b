"""Valid inputs of the parsers: the seeds of the fuzzer. It knows no parsers."""

from __future__ import annotations

ID = b'{"lmk":2,"id":"0123456789abcdef"'

TRACKER_REQUESTS = (
    b'add_seeder\n["10.0.0.7",12501]',
    b'add_seeder\n["10.0.0.7",12501]\n' + ID + b',"everywhere":true}',
    b'upload_file_list\n{"a.txt":5,"\\u00e9\\u2028":0}',
    b'upload_file_list\n{"a":1}\n' + ID + b',"port":12502}',
    b'ping_tracker\n["lab-pc",12501]\n' + ID + b',"state":"away","leaving":true}',
    b"request_seeder_list",
    b"request_file_list\n",
)
TRACKER_ANSWERS = (
    b"success",
    b"success\n" + ID + b"}",
    b"error\nSeeder is already Registered",
    b"error\nNone\n" + ID + b"}",
    b'{"a.txt": 5, "\\u00e9": 1099511627776}',
    b'[["10.0.0.7", 12501], ["lab-pc", 1]]',
)
GREETINGS = (
    b"request_connection",
    b"request_connectionexit_connection",
    b'request_connection\n{"lmk": 2, "peer": "0123456789abcdef"}\n',
    b"error",
)
SECOND_MESSAGES = (
    b'send_file_chunk\n["a.txt", 7, 5120]',
    b'send_file_chunk\n["\\u00e9\\"]", 0, 0]\n',
    b'\n{"lmk": 2}\nsend_file_chunk\n["a", 1, 0]',
    b"exit_connection",
)
SEEDER_ANSWERS = (b"connected", b"away", b"error", b"lmk2 {}\n")
ACKNOWLEDGEMENTS = (b"acknolwedgement" * 3 + b"error_notacknol", b"error_notacknol")
HEADERS = (b"\x00\x14\x00\x00" + bytes(range(32)), b"\xff\xff\xff\xff" + bytes(32))
JSON = (
    b'{"a": [1, "b", true, null, {"c": -12}]}',
    b'["\\ud83d\\ude00", "\xc3\xa9", 1234567890123456]',
    b"[[[[[[[[]]]]]]]]",
)
NAMES = (
    "notes.txt",
    "Überraschung – été.txt",
    "..\\..\\x",
    "con.txt",
    "a\u202eb.lnk",
    "x" * 230 + ".lmkpart",
    "COM¹ .txt. ",
)
SETTINGS = (
    b'{"tracker": "pc:5", "recent_folders": ["/a", "/b"], "slots": 3, "keep_seeding": true}',
    b'{"appearance": "dark", "window": "900x600+10+10", "seeder_port": 12501}',
)
STATES = (
    b'[{"source": "10.0.0.7", "is_here": false, "named": ["10.0.0.7", 12501],'
    b' "named_is_here": false, "everywhere": true, "original": true, "files": {"a": 1}}]',
    b'[{"source": "127.0.0.1", "is_here": true, "named": ["127.0.0.1", 12501],'
    b' "named_is_here": true, "everywhere": false, "original": false, "files": {"b": 2}}]',
    b'[{"source": "10.0.0.7", "is_here": false, "named": ["10.0.0.7", 12501], "stayed": true,'
    b' "named_is_here": false, "everywhere": true, "original": true, "files": {"a": 1}},'
    b' {"share": "00112233445566aa", "teller": ["10.0.0.7", 12501, "fedcba9876543210"]}]',
)
ADDRESSES = ("192.168.1.5:12500", "lmk://lab-pc.local:1/", "localhost", "65536")
# Pieces that mean something to one parser or another.
TOKENS = (
    *(b"\n", b"\r\n", b"\0", b"\xff", b"\xc2\x85", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"\\ud800"),
    *(b"[", b"]", b"{", b"}", b'"', b"\\", b",", b":", b"[" * 300, b"{" * 20, b'\\"]'),
    *(b"0", b"-1", b"1.5", b"1e999", b"NaN", b"Infinity", b"true", b"null", b"9" * 30, b"9" * 5000),
    *(b"..", b"/", b"\\\\?\\", b"con", b".lnk", b".lmkpart", b"0.0.0.0", b'"lmk":2', b'"id"'),
    *(
        b"request_connection",
        b"exit_connection",
        b"acknolwedgement",
        b"send_file_chunk\n",
        b"success",
    ),
    *(
        b"\r\n\r\n",
        b"Host: ",
        b"Range: bytes=",
        b"Content-Length: ",
        b" HTTP/1.1",
        b"..%2f",
        b"%00",
    ),
    *(
        b"%c0%af",
        b"%",
        b"?from=",
        b"http://",
        b"\r\n ",
        b"\t",
        b"<script>",
        b"&",
        b"'",
        b"\xe2\x80\xae",
    ),
)
