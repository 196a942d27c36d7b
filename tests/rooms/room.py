"""A virtual room: who is in it, what happens there, and what must hold all the time."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from roles.net.peer_greeting import ANSWER_S
from roles.values.addresses import Address
from roles.values.content import chunk_size_for
from roles.values.settings import DEFAULT_SLOTS
from tests.rooms.clock import START, Action, Clock, Story
from tests.rooms.contents import Shared
from tests.rooms.host import Host, Leecher, Tracker
from tests.rooms.network import Network

MIB = 1 << 20
STILL_S = 200.0  # without a chunk for anybody: whatever waits has waited long enough
LIMIT_S = 3_600.0  # of a room
LOOK_S = 0.1  # between two looks whether everybody has everything
# Bytes that come twice or in vain: chunks that were asked of two at the end, were under way when a
# connection ended, or were damaged.
TWICE_SHARE = 0.15
TWICE_CHUNKS = 10  # on their way at the end, from one peer or another, where answers take a second
# Bytes of a chunk that may have come when its connection ends: it, and what was cancelled before.
CHUNKS_OF_CONNECTION = 2
OVERLOAD_S = 0.05  # so much of a machine's work may wait before what is to come waits, too


class BrokenRuleError(AssertionError):
    """Something that must hold does not."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds of a processor; 0.0 for one that is never busy."""

    frame_s: float = 0.0  # to deal with a frame
    sent_s: float = 0.0  # for a chunk, while it goes out
    received_s: float = 0.0  # for a chunk, while it comes
    checked_s: float = 0.0  # for a chunk that is here, until others can have it
    greeting_s: float = 0.0  # at either end
    tick_s: float = 0.0  # of a swarm


class Machine:
    """Cores that do what comes, whoever asks. What is short goes between what takes long, at half
    its speed; what takes long goes on beside, until there is too much of it.
    """

    def __init__(self, cores: int) -> None:
        self.busy_s = 0.0
        self._free_at = [0.0] * cores  # for what is short
        self._done_at = 0.0  # with what takes long

    def core_of(self, _number: int) -> Machine:
        """The core on which this host runs."""
        return self

    def through_at(self, cost_s: float, now: float) -> float:
        """When something short is done that is asked for now."""
        self.busy_s += cost_s
        core = min(range(len(self._free_at)), key=self._free_at.__getitem__)
        is_shared = self._done_at > now
        self._free_at[core] = max(self._free_at[core], now) + cost_s * (1 + is_shared)
        return self._free_at[core]

    def spend(self, cost_s: float, now: float) -> float:
        """Do something long beside; when the machine has time for it."""
        self.busy_s += cost_s
        self._done_at = max(self._done_at, now) + cost_s / len(self._free_at)
        return max(now, self._done_at - OVERLOAD_S)


class OwnCores:
    """A core for each host."""

    def __init__(self) -> None:
        self._cores: dict[int, Machine] = {}

    def core_of(self, number: int) -> Machine:
        return self._cores.setdefault(number, Machine(1))

    @property
    def busy_s(self) -> float:
        return sum(core.busy_s for core in self._cores.values())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a room did."""

    seconds: tuple[float, ...]  # until each leecher had everything, sorted
    copies: float  # that the first seeder sent
    twice: float  # share of the bytes that came in vain
    unfinished: tuple[str, ...]  # leechers that could not end, and did not
    cpu_s: float


class Room:
    """Build it, add faults at their times, then run()."""

    def __init__(
        self,
        seed: int,
        *,
        delay_s: float = 0.0002,
        loss: float = 0.0,
        costs: Costs | None = None,
        cores: int | None = None,
        is_checked: bool = True,
    ) -> None:
        """`cores`: of one machine for all hosts; None when each has its own."""
        self.clock = Clock()
        self.rng = random.Random(seed)
        self.story = Story(self.clock)
        self.network = Network(self.clock, self.rng, delay_s, loss)
        self.costs = costs or Costs()
        self.cores: Machine | OwnCores = OwnCores() if cores is None else Machine(cores)
        self.shared: dict[bytes, Shared] = {}
        self.tracker = Tracker(self)
        self.seeders: list[Host] = []
        self.leechers: list[Leecher] = []
        self.title = ""
        self._hosts: dict[Address, Host] = {}
        self._moves = 0
        self._is_checked = is_checked
        self._faults_left = 0

    # Who is in it

    def share(self, name: str, size: int) -> Shared:
        """A file of the room."""
        shared = Shared(name, size, chunk_size_for(size))
        self.shared[shared.content.root] = shared
        return shared

    def add_seeder(
        self, rate: float, *, slots: int = DEFAULT_SLOTS, is_firewalled: bool = False
    ) -> Host:
        """With all that was shared so far. `rate` in bytes per second."""
        number = len(self._hosts)
        seeder = Host(
            self,
            f"s{len(self.seeders) + 1}",
            number,
            rate,
            slots=slots,
            is_firewalled=is_firewalled,
        )
        for shared in self.shared.values():
            seeder.library.add(shared)
        self.seeders.append(seeder)
        self._hosts[seeder.address] = seeder
        return seeder

    def add_leecher(self, rate: float, *, is_firewalled: bool = False) -> Leecher:
        """One that takes all that was shared so far."""
        leecher = Leecher(
            self,
            f"l{len(self.leechers) + 1}",
            len(self._hosts),
            rate,
            wanted=self.shared.values(),
            is_firewalled=is_firewalled,
        )
        self.leechers.append(leecher)
        self._hosts[leecher.address] = leecher
        return leecher

    def restart(self, leecher: Leecher) -> Leecher:
        """It runs again, with what is on its disk."""
        again = Leecher(
            self,
            leecher.name,
            leecher.number,
            0.0,
            wanted=leecher.wanted,
            is_firewalled=leecher.is_firewalled,
            link=leecher.link,
            had={one.content.root: leecher.had(one.content.root) for one in leecher.wanted},
        )
        again.address = leecher.address
        self.leechers[self.leechers.index(leecher)] = again
        self._hosts[again.address] = again
        self.story.tell(again.name, "", "runs again")
        again.start()
        return again

    def restart_seeder(self, seeder: Host) -> Host:
        """It runs again."""
        again = Host(self, seeder.name, seeder.number, 0.0, link=seeder.link)
        for shared in self.shared.values():
            again.library.add(shared)
        again.address = seeder.address
        self.seeders[self.seeders.index(seeder)] = again
        self._hosts[again.address] = again
        self.story.tell(again.name, "", "runs again")
        again.start()
        return again

    def move(self, host: Host) -> None:
        """It has another address from now on."""
        del self._hosts[host.address]
        self._moves += 1
        host.move(Address(f"10.1.0.{self._moves}", host.address.port))
        self._hosts[host.address] = host

    def at(self, address: Address) -> Host | None:
        """The host that listens at this address."""
        return self._hosts.get(address)

    def everybody(self) -> list[Host]:
        return [*self.seeders, *self.leechers]

    def can_connect(self, caller: Host, listener: Host) -> bool:
        """Whether a connection can be made."""
        network = self.network
        return (
            listener.is_running
            and not listener.is_firewalled
            and network.is_through(caller.link, listener.link)
            and network.is_through(listener.link, caller.link)
            and listener is not caller
        )

    def is_refused(self, caller: Host, listener: Host) -> bool:
        """Whether the other computer says at once that nobody listens."""
        return not listener.is_running and self.network.is_through(caller.link, listener.link)

    def connect(
        self, caller: Host, listener: Host, opened: Action, failed: Action = lambda: None
    ) -> None:
        """Both greet each other."""
        cost_s = self.costs.greeting_s
        is_answered = False

        def greeted() -> None:
            nonlocal is_answered
            if not is_answered:
                is_answered = True
                is_there = self.can_connect(caller, listener) and caller.is_running
                opened() if is_there else failed()

        def is_late() -> None:  # one of them ended meanwhile
            nonlocal is_answered
            if not is_answered:
                is_answered = True
                failed()

        self.clock.after(ANSWER_S, is_late)

        def there() -> None:
            listener.do(
                lambda: self.clock.after(self.network.delay_s, lambda: caller.do(greeted, cost_s)),
                cost_s,
            )

        self.clock.after(3 * self.network.delay_s, there)

    # What happens

    def at_time(self, seconds: float, what: str, fault: Callable[[], object]) -> None:
        """Something that goes wrong, or right again, so long after the start."""

        def happen() -> None:
            self._faults_left -= 1
            self.story.tell("", "", f"*** {what}")
            fault()

        self._faults_left += 1
        self.clock.at(START + seconds, happen)

    def run(self) -> Outcome:
        """Until everyone has everything who can. Raises BrokenRuleError."""
        for host in self.everybody():
            host.start()
        clock = self.clock
        while not self._is_over():
            until = clock.now + LOOK_S
            while clock.now < until and clock.step():
                pass
        for host in self.everybody():
            self.look_at(host)
        unfinished = self._unfinished()
        for leecher in unfinished:
            self.check(not self._can_end(leecher), leecher, "does not end although it can")
        self._check_twice()
        fetched = sum(one.fetched for one in self.leechers)
        kept = sum(one.kept for one in self.leechers)
        size = sum(one.content.size for one in self.shared.values())
        return Outcome(
            tuple(sorted(one.done_at - START for one in self.leechers if one.done_at is not None)),
            self.seeders[0].link.up.bytes / size if size else 0.0,
            (fetched - kept) / kept if kept else 0.0,
            tuple(one.name for one in unfinished),
            self.cores.busy_s,
        )

    def _is_over(self) -> bool:
        if self._faults_left:
            return False
        waiting = self._unfinished()
        if not waiting:
            return True
        now = self.clock.now
        if now - START > LIMIT_S:
            return True
        return all(now - one.moved_at > STILL_S for one in waiting)

    def _unfinished(self) -> list[Leecher]:
        """The leechers that should be done by now."""
        waiting = (one for one in self.leechers if one.is_running and not one.is_done)
        return [one for one in waiting if one.answers_offers and not one.is_excused]

    def _can_end(self, leecher: Leecher) -> bool:
        """Whether hosts that it reaches, directly or through others, have all that it lacks."""
        for shared in leecher.wanted:
            here = leecher.had(shared.content.root)
            for host in self._reached_from(leecher):
                here |= host._have(shared.content.root)
            if here != shared.content.all_chunks:
                return False
        return True

    def _reached_from(self, leecher: Leecher) -> list[Host]:
        reached, waiting = list[Host](), [leecher]
        while waiting:
            host = waiting.pop()
            for other in self.everybody():
                is_honest = other.sends_instead is None and other.stops_at is None
                if other in reached or other is leecher or not other.is_running or not is_honest:
                    continue
                if not (self.can_connect(host, other) or self.can_connect(other, host)):
                    continue
                reached.append(other)
                if isinstance(other, Leecher):
                    waiting.append(other)
        return reached

    # What must hold

    def check(self, is_right: bool, host: Host, what: str) -> None:
        """Raise BrokenRuleError with the story unless this is right."""
        if not is_right:
            raise BrokenRuleError(
                f"{self.clock.now - START:.3f} s: {host.name}: {what}\n{self.story}"
            )

    def look_at(self, host: Host) -> None:
        """Look whether everything holds at this host."""
        if not self._is_checked or not host.is_running:
            return
        self._check_slots(host)
        if isinstance(host, Leecher):
            self._check_chunks(host)

    def _check_slots(self, host: Host) -> None:
        scheduler = host.scheduler
        holding = [number for number in host.uploads if scheduler.has_slot(number)]
        self.check(len(holding) <= host.slots, host, f"{len(holding)} of {host.slots} slots held")
        self.check(len(holding) == scheduler.slots_taken, host, "slots are held by nobody")
        if len(holding) == host.slots:
            return
        hosts = {host.uploads[number].connection.downloader_host for number in holding}
        for number, end in host.uploads.items():
            waits = scheduler.is_queued(number) and end.connection.downloader_host not in hosts
            self.check(
                not waits, host, f"{end.connection.downloader_host.name} waits beside a free slot"
            )

    def _check_chunks(self, leecher: Leecher) -> None:
        for transfer in leecher.transfers.values():
            plan = transfer.plan
            for number in {one for coming in plan._on_their_way.values() for one in coming}:
                is_here = any(plan.had >> index & 1 for index in plan.coming_over(number))
                self.check(not is_here, leecher, "a chunk comes that is here")
                self.check(
                    number in leecher.downloads, leecher, "a chunk is lost: its connection ended"
                )

    def _check_twice(self) -> None:
        for leecher in self.leechers:
            size = sum(one.content.size for one in leecher.wanted)
            chunk = max((one.content.chunk_size for one in leecher.wanted), default=0)
            chunks = TWICE_CHUNKS + CHUNKS_OF_CONNECTION * leecher.broken + leecher.damaged
            most = TWICE_SHARE * size + chunk * chunks
            twice = leecher.fetched - leecher.kept
            self.check(
                twice <= most, leecher, f"{twice / MIB:.1f} MiB came in vain, of {size / MIB:.1f}"
            )
