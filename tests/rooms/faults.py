"""What goes wrong in a room: one kind for each row of the fault matrix that concerns the swarm."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from tests.rooms.contents import FalselyDescribed
from tests.rooms.host import Host, Leecher
from tests.rooms.network import Link
from tests.rooms.room import Room

Fault: TypeAlias = Callable[[Room], None]

HALF = 0.5  # of the time that the room takes without faults
FLAP_S = 2.0


def ideal_s(room: Room) -> float:
    """How long the bare bytes take at the slowest leecher's link."""
    size = sum(one.content.size for one in room.shared.values())
    rates = [one.link.down.rate for one in room.leechers]
    return size / min(rates) if rates else 0.0


def some_time(room: Room) -> float:
    """Of the room without faults."""
    return room.rng.uniform(0.05, 1.2) * ideal_s(room) + room.rng.uniform(0.0, 0.3)


def any_leecher(room: Room) -> Leecher:
    return room.rng.choice(room.leechers)


def spare_seeder(room: Room) -> Host:
    """One that the room can do without: there is another, or there is one more now."""
    if len(room.seeders) < 2:
        room.add_seeder(room.seeders[0].link.up.rate)
    return room.seeders[-1]


# The network


def datagrams_are_lost(room: Room) -> None:
    """N1, N5: one packet in three, one in a hundred."""
    room.network.loss = room.rng.choice((0.001, 0.01, 0.05))


def answers_take_long(room: Room) -> None:
    """N4."""
    room.network.delay_s = room.rng.choice((0.001, 0.05, 0.05, 0.5))


def line_flips_bits(room: Room) -> None:
    """N6: chunks come damaged from everybody, now and then."""
    share = room.rng.choice((0.001, 0.02, 0.1))
    for host in room.everybody():
        host.noise = share


def rates_change(room: Room) -> None:
    """N7: of somebody, to a hundredth and back."""
    host = room.rng.choice(room.everybody())
    rate, at = host.link.up.rate, some_time(room)

    def change(to: float) -> None:
        host.link.up.rate = host.link.down.rate = to

    room.at_time(at, f"{host.name} gets slow", partial(change, rate / 100))
    room.at_time(at + 10.0, f"{host.name} is fast again", partial(change, rate))


def one_seeder_is_slow(room: Room) -> None:
    """N8: at one percent."""
    spare_seeder(room).link.up.rate /= 100


def network_is_cut(room: Room) -> None:
    """N9: into two parts, for a while."""
    hosts = room.everybody()
    part = {one.link for one in hosts if room.rng.random() < HALF}
    at, for_s = some_time(room), room.rng.choice((1.0, 10.0, 120.0))
    room.at_time(at, f"cut for {for_s:.0f} s", partial(cut, room, part))
    room.at_time(at + for_s, "joined again", room.network.cut.clear)


def network_flaps(room: Room) -> None:
    """N9: for two seconds in four."""
    at, links = some_time(room), {any_leecher(room).link}
    for number in range(15):
        room.at_time(at + 2 * FLAP_S * number, "cut", partial(cut, room, links))
        room.at_time(at + 2 * FLAP_S * number + FLAP_S, "joined", room.network.cut.clear)


def one_way_is_cut(room: Room) -> None:
    """N10: somebody is heard and hears nothing, or the other way round."""
    one, other = room.rng.sample(room.everybody(), 2)
    at = some_time(room)
    room.at_time(
        at,
        f"{other.name} hears {one.name} no more",
        lambda: room.network.cut.add((one.link, other.link)),
    )
    room.at_time(at + 60.0, "it does again", room.network.cut.clear)


def connections_are_reset(room: Room) -> None:
    """N11: all of somebody's, again and again."""
    leecher, at = any_leecher(room), some_time(room)
    for number in range(room.rng.randrange(1, 6)):
        room.at_time(
            at + number * 0.7,
            f"{leecher.name} loses its connections",
            partial(_reset, room, leecher),
        )


def computer_loses_power(room: Room) -> None:
    """N12: a leecher's or a spare seeder's, which nobody is told."""
    host = spare_seeder(room) if room.rng.random() < HALF else any_leecher(room)
    room.at_time(some_time(room), f"{host.name} loses power", partial(_lose_power, host))


def address_changes(room: Room) -> None:
    """N14: of anybody, twice."""
    host, at = room.rng.choice(room.everybody()), some_time(room)
    for when in (at, at + 5.0):
        room.at_time(when, f"{host.name} gets another address", partial(_move, room, host))


def cable_is_out(room: Room) -> None:
    """N15: for half a minute."""
    host, at = room.rng.choice(room.everybody()), some_time(room)
    room.at_time(at, f"{host.name} is unplugged", partial(_plug, host, is_off=True))
    room.at_time(at + 30.0, f"{host.name} is plugged in", partial(_plug, host, is_off=False))


def nobody_can_connect_to_some(room: Room) -> None:
    """A firewall: they connect to others."""
    for host in room.rng.sample(room.everybody(), len(room.everybody()) // 2):
        host.is_firewalled = True


def tracker_is_away(room: Room) -> None:
    """N21: from the start, or later; then it runs again and knows nothing."""
    at = room.rng.choice((0.0, some_time(room)))

    def stop() -> None:
        room.tracker.is_running = False

    room.at_time(at, "the tracker is killed", stop)
    room.at_time(at + room.rng.uniform(1.0, 30.0), "the tracker runs", room.tracker.restart)


# Programs and computers


def leecher_is_killed(room: Room) -> None:
    """D6: and stays away."""
    leecher = any_leecher(room)
    room.at_time(some_time(room), f"{leecher.name} is killed", lambda: _now(room, leecher).die())


def leecher_runs_again(room: Room) -> None:
    """D6: with what is on its disk."""
    leecher, at = any_leecher(room), some_time(room)
    room.at_time(at, f"{leecher.name} is killed", lambda: _now(room, leecher).die())
    room.at_time(
        at + room.rng.uniform(0.1, 20.0),
        f"{leecher.name} starts",
        lambda: _restart(room, _now(room, leecher)),
    )


def seeder_is_killed(room: Room) -> None:
    """One of two, or the only one, which runs again later."""
    seeder, at = room.rng.choice(room.seeders), some_time(room)
    room.at_time(at, f"{seeder.name} is killed", seeder.die)
    room.at_time(
        at + room.rng.uniform(0.5, 20.0),
        f"{seeder.name} starts",
        lambda: _restart_seeder(room, seeder),
    )


def disk_of_a_seeder_fails(room: Room) -> None:
    """D3, D9: what it sends is not what it was."""
    seeder = spare_seeder(room)
    room.at_time(
        some_time(room),
        f"files of {seeder.name} change",
        lambda: seeder.changed.update(room.shared),
    )


def computer_sleeps(room: Room) -> None:
    """C2, R4: it does nothing for a while, and its system keeps what comes."""
    host, for_s = room.rng.choice(room.everybody()), room.rng.choice((1.0, 10.0, 100.0))
    room.at_time(
        some_time(room), f"{host.name} sleeps for {for_s:.0f} s", partial(host.freeze, for_s)
    )


# Liars


def seeder_lies(room: Room) -> None:
    """M1: wrong bytes, always or now and then."""
    seeder, share = spare_seeder(room), room.rng.choice((0.05, 0.5, 1.0))
    seeder.sends_instead = lambda _index: room.rng.random() < share


def digests_are_wrong(room: Room) -> None:
    """M1."""
    seeder = spare_seeder(room)
    seeder.sends_instead = lambda _index: True
    for shared in room.shared.values():
        if shared.content.count > 1:
            seeder.library.drop(shared)
            seeder.library.add(FalselyDescribed(shared))


def seeder_stops_in_the_middle(room: Room) -> None:
    """M1: of a chunk, and says nothing more."""
    seeder, share = spare_seeder(room), room.rng.choice((0.1, 0.5, 0.99))
    seeder.stops_at = lambda sending, out: out >= share * sending.length


def seeder_trickles(room: Room) -> None:
    """M1: a few bytes a second."""
    seeder = spare_seeder(room)
    seeder.sends_instead = lambda _index: False  # nobody can count on it
    seeder.link.up.rate = 200.0


def leecher_reads_nothing(room: Room) -> None:
    """M2: once it has taken something, until its connections end."""
    leecher, at = any_leecher(room), some_time(room)
    room.at_time(at, f"{leecher.name} reads no more", partial(_read, leecher, is_read=False))


def leecher_answers_nothing(room: Room) -> None:
    """M2: it is offered chunks and is silent, for ever."""
    leecher = any_leecher(room)
    leecher.answers_offers = False


NETWORK: tuple[Fault, ...] = (
    datagrams_are_lost,
    answers_take_long,
    line_flips_bits,
    rates_change,
    one_seeder_is_slow,
    network_is_cut,
    network_flaps,
    one_way_is_cut,
    connections_are_reset,
    computer_loses_power,
    address_changes,
    cable_is_out,
    nobody_can_connect_to_some,
    tracker_is_away,
)
PROGRAMS: tuple[Fault, ...] = (
    leecher_is_killed,
    leecher_runs_again,
    seeder_is_killed,
    disk_of_a_seeder_fails,
    computer_sleeps,
)
LIARS: tuple[Fault, ...] = (
    seeder_lies,
    digests_are_wrong,
    seeder_stops_in_the_middle,
    seeder_trickles,
    leecher_reads_nothing,
    leecher_answers_nothing,
)
ALL = NETWORK + PROGRAMS + LIARS


def cut(room: Room, part: set[Link]) -> None:
    links = [*(one.link for one in room.everybody()), room.tracker.link]
    for one in links:
        for other in links:
            if (one in part) != (other in part):
                room.network.cut.add((one, other))


def _reset(room: Room, leecher: Leecher) -> None:
    for end in list(_now(room, leecher).downloads.values()):
        end.close("is reset")


def _lose_power(host: Host) -> None:
    host.link.is_off = True
    host.is_running = False


def _plug(host: Host, *, is_off: bool) -> None:
    host.link.is_off = is_off


def _read(leecher: Leecher, *, is_read: bool) -> None:
    leecher.is_excused = True
    for end in leecher.downloads.values():
        end.connection.to_downloader.is_read = is_read


def _now(room: Room, leecher: Leecher) -> Leecher:
    """The run of it that there is now."""
    return next(one for one in room.leechers if one.number == leecher.number)


def _move(room: Room, host: Host) -> None:
    if host.is_running and not host.link.is_off:
        room.move(host)


def _restart(room: Room, leecher: Leecher) -> None:
    if not leecher.is_running:
        room.restart(leecher)


def _restart_seeder(room: Room, seeder: Host) -> None:
    if room.at(seeder.address) is seeder:
        room.restart_seeder(seeder)
