"""Lists as unpleasant as the limits allow: what a stranger tells a tracker, or a tracker a leecher.

Each shape is a generator of the text lines of a tracker's answer, about `count` of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, product

from roles.values.list_lines import MAX_LIST_BYTES, MAX_SHARE_FILES

SHARES = 12_000  # that a room has at most
CHUNK = 262_144


def share_id(number: int) -> str:
    return f"{number:016x}"


def root(number: int) -> str:
    """A root that nobody has."""
    return f"{number:016x}" * 4


def opened(number: int, folder: str = "lesson") -> str:
    return "S" + json.dumps([share_id(number), folder])


def file(path: str, number: int, size: int = 1) -> str:
    return f'+["f",{json.dumps(path)},{size},"{root(number)}",{CHUNK},1700000000,0]'


def pack(first: str, count: int, size: int, number: int) -> str:
    return f'+["p",{json.dumps(first)},{count},{size},"{root(number)}",{CHUNK}]'


def folder(path: str) -> str:
    return f'+["d",{json.dumps(path)},1700000000]'


def in_shares(lines: Iterable[str], each: int = MAX_SHARE_FILES) -> Iterator[str]:
    """These lines, so many to a share."""
    for number, line in enumerate(lines):
        if number % each == 0:
            yield opened(number // each)
        yield line


def _plain(count: int) -> Iterator[str]:
    yield from in_shares(file(f"sub/file {n:06}.txt", n) for n in range(count))


def _packs_that_do_not_add_up(count: int) -> Iterator[str]:
    half = min(count, MAX_SHARE_FILES) // 2
    for start in range(0, count // 2, half):
        yield opened(start)
        yield from (file(f"e/{n:06}", start + n) for n in range(half))
        yield from (pack(f"e/{n:06}", half - n, 262_000, start + n) for n in range(half))


def _packs_in_packs(count: int) -> Iterator[str]:
    """Each of the packs adds up, and has all files from its first one on."""
    half = min(count, MAX_SHARE_FILES) // 2
    for start in range(0, count // 2, half):
        yield opened(start)
        yield from (file(f"e/{n:06}", start + n) for n in range(half))
        yield from (pack(f"e/{n:06}", half - n, half - n, start + n) for n in range(half))


def _packs_of_two(count: int) -> Iterator[str]:
    third = min(count, MAX_SHARE_FILES) * 2 // 3
    for start in range(0, count * 2 // 3, third):
        yield opened(start)
        yield from (file(f"e/{n:06}", start + n) for n in range(third))
        yield from (pack(f"e/{n:06}", 2, 2, start + n) for n in range(0, third - 1, 2))


def _packs_of_one(count: int) -> Iterator[str]:
    half = min(count, MAX_SHARE_FILES) // 2
    for start in range(0, count // 2, half):
        yield opened(start)
        yield from (file(f"e/{n:06}", start + n) for n in range(half))
        yield from (pack(f"e/{n:06}", 1, 1, start + n) for n in range(half))


def _many_shares(count: int) -> Iterator[str]:
    each = max(1, count // SHARES)
    yield from in_shares((file(f"sub/file {n:06}.txt", n) for n in range(count)), each)


def _copies(count: int) -> Iterator[str]:
    """Every share has the same files."""
    each = max(1, count // SHARES)
    for number in range(count // each):
        yield opened(number)
        yield from (file(f"sub/file {n:06}.txt", n) for n in range(each))


def _twins(count: int) -> Iterator[str]:
    """Every share has the same paths, with contents of its own."""
    each = max(1, count // SHARES)
    for number in range(count // each):
        yield opened(number)
        yield from (file(f"sub/file {n:06}.txt", number * each + n) for n in range(each))


def _twins_in_two(count: int) -> Iterator[str]:
    """Two large shares with the same paths, among many small ones."""
    small = min(SHARES - 2, count // 4)
    half = (count - small) // 2
    for number in (0, 1):
        yield opened(number)
        yield from (file(f"sub/file {n:06}.txt", 2 * n + number) for n in range(half))
    for number in range(2, small + 2):
        yield opened(number)
        yield file(f"other/{number:06}.txt", number)


def _one_share_again_and_again(count: int) -> Iterator[str]:
    for number in range(SHARES):
        yield opened(number)
        yield file(f"{number:06}.txt", number)
    for _ in range(SHARES, count // 2):
        yield opened(0)


def _shares_come_and_go(count: int) -> Iterator[str]:
    for n in range(count // 3):
        yield opened(n % SHARES)
        yield file(f"sub/file {n:06}.txt", n)
        if n % SHARES == SHARES - 1:
            yield from (f'X"{share_id(number)}"' for number in range(SHARES))


def _deep_folders(count: int) -> Iterator[str]:
    """Each file is in 31 folders of its own."""
    yield from in_shares(file(f"{n:06}" + "/a" * 31, n) for n in range(count))


def _deep_folder_lines(count: int) -> Iterator[str]:
    yield from in_shares(folder(f"{n:06}" + "/a" * 31) for n in range(count))


def _folders_that_are_files(count: int) -> Iterator[str]:
    """Half of the files have the names of the folders of the others."""
    names = (f"{n // 2:06}" + "/x" * (n % 2) for n in range(count))
    yield from in_shares(file(name, n) for n, name in enumerate(names))


def _long_paths(count: int) -> Iterator[str]:
    """As long as a path may be, in letters that take the longest to compare."""
    name = "Å\u0323ß" * 40
    paths = ("/".join((f"{n:06}", *[name] * 4)) for n in range(count))
    yield from in_shares(file(path[:500], n) for n, path in enumerate(paths))


def _odd_paths(count: int) -> Iterator[str]:
    """Each name has a letter that nobody sees."""
    name = "a\u200bb" + "c" * 190
    paths = ("/".join((f"{n:06}", *[name] * 5)) for n in range(count))
    yield from in_shares(file(path, n) for n, path in enumerate(paths))


def _case_twins(count: int) -> Iterator[str]:
    """All names are one where case does not count."""
    letters = [(letter, letter.upper()) for letter in "abcdefghijklmnopqrs"]
    names = map("".join, product(*letters))
    yield from in_shares(file(f"{name}.txt", n) for n, name in enumerate(islice(names, count)))


def _numbered(count: int) -> Iterator[str]:
    """The numbered names of a file that has many twins are taken, too."""
    taken = (f"x ({n}).txt" for n in range(2, count // 2))
    letters = ["xX", ".", "tT", "xX", "tT"]
    twins = ("".join(name) + "\u200b" * n for n in range(20) for name in product(*letters))
    names = (*taken, *twins)
    yield from in_shares(file(name, n) for n, name in enumerate(names[:count]))


def _empty_files(count: int) -> Iterator[str]:
    yield from in_shares(file(f"sub/file {n:06}.txt", n, 0) for n in range(count))


def _brackets(count: int) -> Iterator[str]:
    tail = ",[]" * 1_300
    yield from in_shares(f'+["f","{n:06}",1,"{root(n)}",{CHUNK},0,0{tail}]' for n in range(count))


def _brackets_of_no_kind(count: int) -> Iterator[str]:
    yield from in_shares('+["x"' + ",[]" * 1_350 + "]" for _ in range(count))


def _refused_brackets(count: int) -> Iterator[str]:
    yield from in_shares(f'+["f","{n:06}",-1' + ",[]" * 1_330 + "]" for n in range(count))


def _refused(count: int) -> Iterator[str]:
    yield from in_shares(f'+["f","../{n:06}",1]' for n in range(count))


def _refused_in_shares(count: int) -> Iterator[str]:
    each = max(1, count // SHARES)
    yield from in_shares((f'+["f","../{n:06}",1]' for n in range(count)), each)


def _keys(count: int) -> Iterator[str]:
    """JSON that has to be put together key by key."""
    keys = ",".join(f'"{n:x}":0' for n in range(500))
    yield from in_shares(f'+["f","{n:06}",{{{keys}}}]' for n in range(count))


def _escapes(count: int) -> Iterator[str]:
    name = "\\u00e9" * 600
    yield from in_shares(
        f'+["f","{name[: 6 * 100]}/{name[: 6 * 100]}/{n:06}",1,"{root(n)}",{CHUNK},0,0]'
        for n in range(count)
    )


def _reading(count: int) -> Iterator[str]:
    yield from in_shares(f'+["r",{n}]' for n in range(count))


def _of_later_versions(count: int) -> Iterator[str]:
    yield from in_shares(f'+["new",{n}]' for n in range(count))
    yield from (f"?{n}" for n in range(10))


def _originals(count: int) -> Iterator[str]:
    yield 'S["lmk1aaaaaaaaaaaa","files"]'
    yield from (f'+["f","file {n:06}.txt",{n}]' for n in range(count // 2))
    yield 'S["lmk1bbbbbbbbbbbb","files"]'
    yield from (f'+["f","file {n:06}.txt",{n + 1}]' for n in range(count // 2))


SHAPES: dict[str, Callable[[int], Iterator[str]]] = {
    name.removeprefix("_").replace("_", " "): shape
    for name, shape in list(globals().items())
    if name.startswith("_") and getattr(shape, "__module__", "") == __name__
}


def lines_of(shape: str, count: int) -> list[str]:
    """So many lines of this shape, as far as a list may have bytes for them."""
    left, lines = MAX_LIST_BYTES, list[str]()
    for line in islice(SHAPES[shape](count), count):
        left -= len(line.encode()) + 1
        if left < 0:
            break
        lines.append(line)
    return lines
