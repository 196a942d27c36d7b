"""The room and its files as rows of a table. Pure: events in, texts out."""

from __future__ import annotations

from roles.values.events import ListedFile, ListedSeeder, RoomChanged, RoomMember, Transfer
from roles.values.safe_names import shown_name
from ui import wording
from ui.window.table import Column, Row

MEMBER_COLUMNS = (
    Column("Computer", 104, stretches=True),
    Column("Address", 142),
    Column("Role", 70),
    Column("State", 104, stretches=True),
    Column("Has", 80, stretches=True),
    Column("Up", 88, is_number=True),
    Column("Down", 88, is_number=True),
    Column("Ping", 76, is_number=True),
)
FILE_COLUMNS = (
    Column("File", 420, stretches=True),
    Column("Size", 110, is_number=True),
)
STATE_LENGTH = 80  # characters of a stranger's text in a row


def room_rows(
    members: tuple[RoomMember, ...], seeders: tuple[ListedSeeder, ...], now: float
) -> dict[str, Row]:
    """One row for each program; of the seeders, only those that do not describe themselves."""
    rows = {str(one.address): member_row(one, now) for one in members}
    for seeder in seeders:
        rows.setdefault(str(seeder.address), seeder_row(seeder, now))
    return rows


def seeders_in(room: RoomChanged) -> int:
    """How many programs offer a folder."""
    leechers = {member.address for member in room.members if member.is_leecher}
    seeders = {seeder.address for seeder in room.seeders} - leechers
    return len(seeders | {one.address for one in room.members if not one.is_leecher})


def member_row(member: RoomMember, now: float) -> Row:
    """One program, as its last ping described it."""
    name = shown_name(member.name, wording.COMPUTER_LENGTH)
    where = str(member.address)
    role = "Leecher" if member.is_leecher else "Seeder"
    state, is_held_up = _state(member)
    has, share = _transfers(member.transfers)
    silent_s = max(0.0, now - member.last_ping)
    cells = (name, where, role, state, has)
    numbers = (wording.rate(member.up), wording.rate(member.down), wording.ago(silent_s))
    keys = (wording.computer_order(name, where), where, role, state, share)
    tone = "Warning" if is_held_up else "Plain"
    return Row((*cells, *numbers), (*keys, float(member.up), float(member.down), silent_s), tone)


def seeder_row(seeder: ListedSeeder, now: float) -> Row:
    """A seeder that only registered; `now` is on the tracker's clock."""
    state = wording.SEEDER_STATES[seeder.state] if seeder.state else "Original program"
    files = wording.count(seeder.files, "file") if seeder.files else ""
    silent_s = max(0.0, now - seeder.last_ping)
    place = str(seeder.address)
    return Row(
        ("", place, "Seeder", state, files, "", "", wording.ago(silent_s)),
        (wording.computer_order("", place), place, "Seeder", state, -1.0, 0.0, 0.0, silent_s),
    )


def file_row(file: ListedFile) -> Row:
    """One file that a seeder of the room offers."""
    name = shown_name(file.name)
    return Row((name, wording.size(file.size)), (name.casefold(), float(file.size)))


def _state(member: RoomMember) -> tuple[str, bool]:
    """Its state in its own words, and whether something keeps it from going on."""
    said = shown_name(member.state, STATE_LENGTH)
    words = said[:1].upper() + said[1:]
    reasons = (member.reason, *(one.reason for one in member.transfers))
    reason = next((shown_name(one, STATE_LENGTH) for one in reasons if one), "")
    if reason:
        return (f"{words}: {reason}" if words else reason), True
    if member.is_reachable is False:
        return f"{words}, behind a firewall".lstrip(", "), False
    return words, False


def _transfers(transfers: tuple[Transfer, ...]) -> tuple[str, float]:
    """How far the first unfinished transfer is, and how many others there are."""
    if not transfers:
        return "", -1.0
    unfinished = [one for one in transfers if one.have < one.size]
    first = (unfinished or list(transfers))[0]
    percent = wording.percent(first.have, first.size)
    more = f", +{len(transfers) - 1}" if len(transfers) > 1 else ""
    return f"{percent} % of {shown_name(first.title, 60)}{more}", float(percent)
