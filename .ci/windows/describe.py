"""What Windows reads in an executable's header and resources, as JSON; the Windows Python runs
this.

It knows the file format, from pefile, and nothing of our program.
"""

from __future__ import annotations

import json
import sys

import pefile

_MANIFEST, _VERSION, _ICON = 24, 16, 14  # RT_MANIFEST, RT_VERSION, RT_GROUP_ICON


def main() -> None:
    """Print the facts about the file that the command line names."""
    file = pefile.PE(sys.argv[1])
    resources = _resources(file)
    facts = {
        "subsystem": pefile.SUBSYSTEM_TYPE[file.OPTIONAL_HEADER.Subsystem],
        "is_checksum_right": file.verify_checksum(),
        "version": _version_strings(file),
        "manifest": b"".join(resources.get(_MANIFEST, [])).decode("utf-8"),
        "icons": len(resources.get(_ICON, [])),
    }
    sys.stdout.write(json.dumps(facts) + "\n")


def _resources(file: pefile.PE) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = {}
    for kind in file.DIRECTORY_ENTRY_RESOURCE.entries:
        for name in kind.directory.entries:
            for language in name.directory.entries:
                place = language.data.struct
                found.setdefault(kind.id, []).append(file.get_data(place.OffsetToData, place.Size))
    return found


def _version_strings(file: pefile.PE) -> dict[str, str]:
    return {
        key.decode(): value.decode()
        for info in getattr(file, "FileInfo", [[]])[0]
        for table in getattr(info, "StringTable", [])
        for key, value in table.entries.items()
    }


if __name__ == "__main__":
    main()
