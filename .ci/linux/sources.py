"""The sources that the Linux release is compiled from: choose them, fetch them, list them.

    sources.py fetch FOLDER LIST [--named NAMED]   fetch all into FOLDER, and write their LIST
    sources.py mirror SUITE         print the mirror of a suite in apt's settings here, or nothing
    sources.py packages             print `apt-cache show` from standard input as a list
    sources.py compare OLD NEW      print how two lists differ; exit code 3 if they do

`fetch` takes the newest version of each package that a supported release lists and a mirror has, or
exactly what NAMED lists. It checks every file against a SHA-256 from NAMED or from an index that
apt has verified by Debian's signature. It does not fetch files that are in FOLDER already.

A list has a line NAME VERSION SHA-256 FILE for each file, and comments that begin with #. A FILE
that ends in .deb is a package of the old root; any other is part of a Debian source.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

# Tk is compiled against Tcl, so both must have the same upstream version.
GROUPS = (
    *(("zlib",), ("libdeflate",), ("expat",), ("libpng1.6",), ("freetype",), ("openssl",)),
    *(("tcl8.6", "tk8.6"), ("python3.13",)),
)
NAMES = frozenset(itertools.chain(*GROUPS))
SUPPORTED = ("trixie", "bookworm")  # Debian's releases with security updates; add the next one here
SUITES = tuple(f"{name}{part}" for name in SUPPORTED for part in ("", "-updates", "-security"))
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

DIFFERENT = 3  # the exit code of `compare`
_APT_HELPER = "/usr/lib/apt/apt-helper"
_ENTRY = re.compile(
    r"([a-z0-9][a-z0-9+.-]*) ([A-Za-z0-9.+:~-]+) ([0-9a-f]{64}) ([A-Za-z0-9][^\s/]*)"
)

Download = Callable[[str, Path], str]  # from, to; returns why it failed, or ""
VersionKey = tuple[object, ...]


class SourcesError(Exception):
    """Something is not available or not what it should be; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file from outside, and the package that it belongs to."""

    name: str
    version: str
    sha256: str
    file: str

    @property
    def is_deb(self) -> bool:
        return self.file.endswith(".deb")

    def __str__(self) -> str:
        return f"{self.name} {self.version} {self.sha256} {self.file}"


@dataclass(frozen=True, slots=True)
class Offer:
    """A version of a package that an index lists, and the address of the folder with its files."""

    name: str
    version: str
    folder: str
    files: tuple[Entry, ...]  # small ones first, so that a missing version shows soon


def version_key(version: str) -> VersionKey:
    """A sort key in the order of Debian's versions: ~ comes before the end, letters before other
    signs.
    """
    epoch, _, rest = version.rpartition(":")
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch or 0), _part_key(upstream), _part_key(revision)


def upstream(version: str) -> str:
    """The authors' version, without Debian's epoch, revision and "+dfsg"."""
    return version.rpartition(":")[2].rpartition("-")[0].partition("+")[0]


def parsed_list(text: str, origin: str) -> list[Entry]:
    """Read a list; `origin` names it in errors."""
    entries = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if not (found := _ENTRY.fullmatch(line.strip())):
            raise SourcesError(f"{origin}, line {number}, is not NAME VERSION SHA-256 FILE: {line}")
        entries.append(Entry(*found.groups()))
    return entries


def offers_of(index: str, repository: str) -> Iterator[Offer]:
    """What an index of sources lists of our packages."""
    for stanza in index.split("\n\n"):
        fields = _fields(stanza)
        name = fields.get("Package", "").strip()
        if name not in NAMES:
            continue
        version, folder = fields["Version"].strip(), fields["Directory"].strip()
        rows = [row.split() for row in fields["Checksums-Sha256"].split("\n") if row.strip()]
        rows.sort(key=lambda row: int(row[1]))
        text = "\n".join(f"{name} {version} {sha256} {file}" for sha256, _, file in rows)
        files = tuple(parsed_list(text, f"the index of {repository}"))
        yield Offer(name, version, f"{repository.rstrip('/')}/{folder}/", files)


def packages_of(stanzas: str) -> list[Entry]:
    """What `apt-cache show` prints about packages, as a list sorted by name."""
    text = set()
    for stanza in stanzas.split("\n\n"):
        fields = {name: value.strip() for name, value in _fields(stanza).items()}
        if "SHA256" in fields:
            file = fields["Filename"].rpartition("/")[2]
            text.add(f"{fields['Package']} {fields['Version']} {fields['SHA256']} {file}")
    return parsed_list("\n".join(sorted(text)), "apt-cache")


def newest_first(group: Sequence[str], offers: Sequence[Offer]) -> list[tuple[Offer, ...]]:
    """The versions of a package, or of several that belong together, in the order in which to try
    them.
    """
    kinds = [
        {offer.version: offer for offer in offers if offer.name == name}.values() for name in group
    ]
    fitting = [
        choice
        for choice in itertools.product(*kinds)
        if len({upstream(offer.version) for offer in choice}) == 1
    ]
    fitting.sort(key=lambda choice: [version_key(offer.version) for offer in choice], reverse=True)
    return fitting


def difference(old: Iterable[Entry], new: Iterable[Entry]) -> list[str]:
    """A row for each package whose version has changed; empty if all are the same.

    Raises SourcesError if a file of the same name has other content: that is no new version.
    """
    before, after = _by_package(old), _by_package(new)
    rows = []
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key, {}), after.get(key, {})
        changed = sorted(file for file in was.keys() & now.keys() if was[file] != now[file])
        if changed:
            raise SourcesError(
                f"{changed[0]} has two contents: SHA-256 {was[changed[0]].sha256} before and "
                f"{now[changed[0]].sha256} now. One of them is not Debian's."
            )
        if was != now:
            rows.append((key[1], _versions(was), _versions(now)))
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    return [
        f"{name:{widths[0]}}  {was:{widths[1]}} -> {now}{_note(was, now)}"
        for name, was, now in rows
    ]


class Store:
    """The folder in which fetched files are kept."""

    def __init__(self, folder: Path, download: Download) -> None:
        self.folder = folder
        self._download = download
        self.why = ""  # why the last file is not available

    def has(self, entry: Entry) -> bool:
        """Whether it is kept already, with the right content."""
        path = self.folder / entry.file
        return path.is_file() and _sha256(path) == entry.sha256

    def obtain(self, entry: Entry, folders: Iterable[str]) -> bool:
        """Keep this file, from whichever folder has it; False if none has."""
        if self.has(entry):
            return True
        new = self.folder / f"{entry.file}.new"
        for folder in folders:
            new.unlink(missing_ok=True)
            if why := self._download(folder + quote(entry.file), new):
                self.why = why
                continue
            if (sha256 := _sha256(new)) != entry.sha256:
                new.unlink()
                raise SourcesError(
                    f"{folder} gives a wrong {entry.file} of {entry.name} {entry.version}: its "
                    f"SHA-256 is {sha256}, and should be {entry.sha256}. Nothing was built from it."
                )
            new.replace(self.folder / entry.file)
            return True
        return False


def fetch_newest(offers: Sequence[Offer], store: Store, say: Callable[[str], None]) -> list[Entry]:
    """Keep the newest available version of each package."""
    taken: list[Entry] = []
    for group in GROUPS:
        for choice in newest_first(group, offers):
            files = [entry for offer in choice for entry in offer.files]
            names = ", ".join(f"{offer.name} {offer.version}" for offer in choice)
            missing = next((e for e in files if not store.obtain(e, folders_of(e, offers))), None)
            if missing is None:
                say(names)
                taken += files
                break
            say(f"  {names}: listed, but {missing.file} cannot be had ({store.why})")
        else:
            raise SourcesError(
                f"No version of {' and '.join(group)} in {' or '.join(SUPPORTED)} can be had. Try "
                "again when the mirror is whole, or build with --sources and an earlier list."
            )
    return taken


def fetch_named(
    named: Sequence[Entry], list_offers: Callable[[], Sequence[Offer]], store: Store, origin: str
) -> list[Entry]:
    """Keep exactly these sources. It reads indexes only if one of them is not kept already."""
    sources = [entry for entry in named if not entry.is_deb]
    if strange := {entry.name for entry in sources} ^ NAMES:
        raise SourcesError(
            f"{origin} and this commit disagree on which sources the toolchain has: "
            f"{', '.join(sorted(strange))}. Check out the commit that the list was written by."
        )
    missing = [entry for entry in sources if not store.has(entry)]
    offers = list_offers() if missing else []
    for entry in missing:
        if not store.obtain(entry, folders_of(entry, offers)):
            raise SourcesError(
                f"{origin} names {entry.file} of {entry.name} {entry.version}, which cannot be "
                f"had ({store.why or 'no mirror lists the package'}). Put a copy with the SHA-256\n"
                f"{entry.sha256} into {store.folder},\n"
                "or build without --sources to take the newest versions."
            )
    return sources


def folders_of(entry: Entry, offers: Iterable[Offer]) -> list[str]:
    """Everywhere this package is: another mirror may have a file that one lacks."""
    return list(dict.fromkeys(offer.folder for offer in offers if offer.name == entry.name))


def list_offers() -> list[Offer]:
    """What the supported releases list, read from this machine's mirrors and verified by apt."""
    lines = []
    for suite in SUITES:
        if address := mirror(suite):
            lines.append(f"deb-src [signed-by={_keyring()}] {address} {suite} main\n")
        else:
            _say(f"  no mirror that apt knows has {suite}: its sources are left out")
    with tempfile.TemporaryDirectory(prefix="lmk-apt-") as folder:
        own = Path(folder)
        (own / "lists" / "partial").mkdir(parents=True)
        (own / "sources.list").write_text("".join(lines), encoding="utf-8")
        places = {
            "Dir::Etc::sourcelist": own / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State::lists": own / "lists",
            "Dir::Cache": own,
            "APT::Update::Error-Mode": "any",
        }
        options = [word for name, value in places.items() for word in ("-o", f"{name}={value}")]
        updated = _run("apt-get", "update", *options)
        if updated.returncode:
            raise SourcesError(f"The indexes of sources cannot be read:\n{updated.stderr.rstrip()}")
        wanted = ("--format", "$(REPO_URI) $(FILENAME)", "Created-By: Sources")
        offers: list[Offer] = []
        for line in _run("apt-get", "indextargets", *options, *wanted).stdout.splitlines():
            repository, file = line.split(" ", 1)
            offers += offers_of(_run(_APT_HELPER, "cat-file", file).stdout, repository)
    return offers


def mirror(suite: str) -> str:
    """The address, among those in this machine's apt, that has this suite of Debian; "" if none
    has.

    Raises SourcesError if none has it and one did not answer.
    """
    listed = _run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages")
    label = "Debian-Security" if suite.endswith("-security") else "Debian"
    wanted = {"Origin: Debian", f"Label: {label}", f"Codename: {suite}"}
    silent = ""
    with tempfile.TemporaryDirectory(prefix="lmk-apt-") as folder:
        release = Path(folder) / "InRelease"
        for address in dict.fromkeys(listed.stdout.split()):
            why = download(f"{address.rstrip('/')}/dists/{suite}/InRelease", release)
            if not why and wanted <= set(release.read_text("utf-8", "replace").splitlines()):
                return address
            if why and not _is_gone(why):
                silent += f"\n{address} {why}"
    if silent:
        raise SourcesError(f"It cannot be seen whether a mirror has {suite}:{silent}")
    return ""


def download(source: str, target: Path) -> str:
    """Fetch a file with apt and its settings; returns why that failed, or ""."""
    done = _run(_APT_HELPER, "download-file", source, str(target))
    if not done.returncode:
        return ""
    said = re.search(r"^E: Failed to fetch \S+ +(.*?)(?: *\[IP: .*)?$", done.stderr, re.MULTILINE)
    return said[1] if said else done.stderr.strip() or "no reason given"


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _is_gone(why: str) -> bool:
    """Whether a download failed because the file is not there, and not because nobody answered."""
    return bool(re.search(r"\b(404|410)\b|not found|no such file", why, re.IGNORECASE))


def _keyring() -> Path:
    return next((path for path in (KEYRING, KEYRING.with_suffix(".pgp")) if path.exists()), KEYRING)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _part_key(part: str) -> tuple[object, ...]:
    """Signs and numbers alternate. 0 stands at the end of the signs, so that ~ sorts before it."""
    return tuple(
        ([*(_sign_key(sign) for sign in signs), 0], int(digits or 0))
        for signs, digits in re.findall(r"(\D*)(\d*)", part)
    )


def _sign_key(sign: str) -> int:
    return -1 if sign == "~" else ord(sign) if sign.isalpha() else ord(sign) + 256


def _fields(stanza: str) -> dict[str, str]:
    """The fields of one paragraph; a value of several lines is kept whole."""
    return dict(re.findall(r"^([\w-]+):(.*(?:\n .*)*)", stanza, re.MULTILINE))


def _by_package(entries: Iterable[Entry]) -> dict[tuple[bool, str], dict[str, Entry]]:
    packages: dict[tuple[bool, str], dict[str, Entry]] = {}
    for entry in entries:
        packages.setdefault((entry.is_deb, entry.name), {})[entry.file] = entry
    return packages


def _versions(files: dict[str, Entry]) -> str:
    return ", ".join(sorted({entry.version for entry in files.values()})) or "none"


def _note(was: str, now: str) -> str:
    is_older = "none" not in (was, now) and version_key(now) < version_key(was)
    return "  (older)" if is_older else ""


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _read(path: Path) -> list[Entry]:
    return parsed_list(path.read_text(encoding="utf-8"), str(path))


def main() -> int:
    parser = argparse.ArgumentParser(description="The sources that the Linux release is made from.")
    commands = parser.add_subparsers(dest="command", required=True)
    fetch = commands.add_parser("fetch")
    fetch.add_argument("folder", type=Path)
    fetch.add_argument("list", type=Path)
    fetch.add_argument("--named", type=Path)
    commands.add_parser("mirror").add_argument("suite")
    commands.add_parser("packages")
    compare = commands.add_parser("compare")
    compare.add_argument("old", type=Path)
    compare.add_argument("new", type=Path)
    chosen = parser.parse_args()
    try:
        return _carry_out(chosen)
    except (SourcesError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _carry_out(chosen: argparse.Namespace) -> int:
    if chosen.command == "fetch":
        chosen.folder.mkdir(parents=True, exist_ok=True)
        store = Store(chosen.folder, download)
        if chosen.named:
            taken = fetch_named(_read(chosen.named), list_offers, store, str(chosen.named))
        else:
            taken = fetch_newest(list_offers(), store, _say)
        chosen.list.write_text("".join(f"{entry}\n" for entry in taken), encoding="utf-8")
    elif chosen.command == "mirror":
        _say(mirror(chosen.suite))
    elif chosen.command == "packages":
        for entry in packages_of(sys.stdin.read()):
            _say(str(entry))
    else:
        rows = difference(_read(chosen.old), _read(chosen.new))
        for row in rows:
            _say(row)
        return DIFFERENT if rows else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
