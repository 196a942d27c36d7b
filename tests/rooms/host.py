"""The programs of a virtual room: seeders, leechers, and the tracker."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from roles.joining.membership import PACE
from roles.joining.peer_finder import PEERS_AGAIN_S, pause_after
from roles.joining.tracker_asker import TRIES_S
from roles.net.dialling import CONNECT_S
from roles.room.registry import Registry
from roles.room.registry_entry import Origin
from roles.swarm.call_book import CallBook
from roles.swarm.chunk_plan import ChunkPlan
from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.peer import Peer
from roles.swarm.peer_book import PeerBook, fast, room_for_caller, stalled
from roles.swarm.reverse_connections import ASK_S
from roles.swarm.swarm import Swarm
from roles.swarm.swarm_library import SwarmLibrary
from roles.uploads.slots import slots_for_lmk2
from roles.uploads.upload_scheduler import UploadScheduler
from roles.uploads.upload_session import LeavingChunk, room_for_leecher
from roles.values.addresses import Address
from roles.values.content import DIGEST_SIZE
from roles.values.participants import Status
from roles.values.settings import DEFAULT_SLOTS
from roles.wire import frames
from roles.wire.tracker_messages import Holder as Computer
from roles.wire.tracker_messages import Ping, Register
from tests.rooms.clock import Action
from tests.rooms.contents import Kept, Shared
from tests.rooms.downloading import DownloadEnd
from tests.rooms.network import Link, Pipe, Port
from tests.rooms.uploading import UploadEnd

if TYPE_CHECKING:
    from tests.rooms.room import Room

PORT = 12_600
SHARE = "5a5a5a5a5a5a5a5a"
DIAL_S = 0.1  # between two looks whom to connect to
TICK_S = 0.25  # between two ticks of a swarm
IDLE_S = 5.0  # with nothing on its way: then the connections end
CALL_S = 1.0  # without a probe of the tracker, until a program takes itself for unreachable


class Connection:
    """Between a host that takes and one that sends."""

    def __init__(self, downloader: Leecher, uploader: Host) -> None:
        self.downloader_host = downloader
        self.uploader_host = uploader
        self.downloader: DownloadEnd | None = None
        self.uploader: UploadEnd | None = None
        network = downloader.room.network
        self.to_uploader = Pipe(
            network, downloader.link, uploader.link, self._uploader_hears, self._is_uploader_gone
        )
        self.to_downloader = Pipe(
            network,
            uploader.link,
            downloader.link,
            self._downloader_hears,
            self._is_downloader_gone,
        )
        self._story = downloader.room.story

    def tell_uploader(self, frame: frames.Frame) -> None:
        self._story.tell(self.downloader_host.name, self.uploader_host.name, frame)
        self.to_uploader.write(frame, len(frames.encode(frame)))

    def tell_downloader(self, frame: frames.Frame) -> None:
        self._story.tell(self.uploader_host.name, self.downloader_host.name, frame)
        self.to_downloader.write(frame, len(frames.encode(frame)))

    def closed_by(self, host: Host) -> None:
        """One end is closed; the other one hears of it, if anything is heard."""
        if host is self.downloader_host:
            self.to_uploader.close()
            self._say_closed(host, self.uploader_host, self._close_uploader)
        else:
            self.to_downloader.close()
            self._say_closed(host, self.downloader_host, self._close_downloader)

    def _say_closed(self, host: Host, other: Host, close: Action) -> None:
        network = host.room.network
        if network.is_through(host.link, other.link):
            network.clock.after(network.delay_s + 1e-4, close)

    def _close_uploader(self) -> None:
        if self.uploader is not None:
            self.uploader.close("is left")

    def _close_downloader(self) -> None:
        if self.downloader is not None:
            self.downloader.close("is left")

    def _is_uploader_gone(self) -> bool:
        if self.uploader is not None and self.uploader.is_open:
            return False
        self._say_closed(self.uploader_host, self.downloader_host, self._close_downloader)
        return True

    def _is_downloader_gone(self) -> bool:
        if self.downloader is not None and self.downloader.is_open:
            return False
        self._say_closed(self.downloader_host, self.uploader_host, self._close_uploader)
        return True

    def _uploader_hears(self, payload: object, _count: int, is_last: bool) -> None:
        uploader = self.uploader
        if is_last and uploader is not None:
            self.uploader_host.awake(lambda: uploader.hear(payload))  # type: ignore[arg-type]

    def _downloader_hears(self, payload: object, count: int, is_last: bool) -> None:
        downloader = self.downloader
        if downloader is not None:
            self.downloader_host.awake(lambda: downloader.receive(payload, count, is_last))


class Host:
    """A computer with a program that sends: a seeder, or a leecher."""

    def __init__(
        self,
        room: Room,
        name: str,
        number: int,
        rate: float,
        *,
        slots: int = DEFAULT_SLOTS,
        is_firewalled: bool = False,
        link: Link | None = None,
    ) -> None:
        self.room = room
        self.name = name
        self.number = number
        self.address = Address(f"10.0.{number // 250}.{number % 250 + 1}", PORT)
        self.id = f"{room.rng.getrandbits(64):016x}"  # of this run
        self.link = link or Link(Port(rate), Port(rate))
        self.is_firewalled = is_firewalled
        self.is_running = True
        self.library = SwarmLibrary()
        self.library.look_again = self._contents_changed
        self.slots = slots_for_lmk2(slots)
        self.scheduler = UploadScheduler(self.slots, self._have, self.wake, room.rng)
        self.uploads: dict[int, UploadEnd] = {}
        self.frozen_until = 0.0
        self.sent_at = dict[tuple[bytes, int], float]()  # when a chunk left for the first time
        self.changed = set[bytes]()  # contents that are not what they were
        # Faults: what is sent instead of a chunk, and where in a chunk everything stops.
        self.sends_instead: Callable[[int], bool] | None = None
        self.stops_at: Callable[[LeavingChunk, int], bool] | None = None
        self.noise = 0.0  # share of the chunks that its line damages
        self.answers_offers = True
        self.is_excused = False  # nobody expects of it that it ends
        self._numbers = itertools.count(1)
        self._calls = CallBook()
        self.is_leecher = False
        self.core = room.cores.core_of(number)

    # Its processor

    def do(self, action: Action, cost_s: float | None = None) -> None:
        """Do this when the processor is free, and as long as it takes."""
        cost_s = self.room.costs.frame_s if cost_s is None else cost_s
        if self.frozen_until > self.room.clock.now:
            self.room.clock.at(self.frozen_until, lambda: self.do(action, cost_s))
        elif not cost_s:
            if self.is_running:
                action()
        else:
            done = self.core.through_at(cost_s, self.room.clock.now)
            self.room.clock.at(done, lambda: action() if self.is_running else None)

    def spend(self, cost_s: float, action: Action) -> None:
        """Do this, which takes the processor so long beside everything else."""
        if not cost_s:
            action()
            return
        begin = self.core.spend(cost_s, self.room.clock.now)
        if begin > self.room.clock.now:
            self.room.clock.at(begin, action)
        else:
            action()

    def awake(self, action: Action) -> None:
        """Do this at once, or when the computer sleeps no more."""
        if self.frozen_until > self.room.clock.now:
            self.room.clock.at(self.frozen_until, action)
        else:
            action()

    # What the room knows of it

    def start(self) -> None:
        """It runs from now on."""
        self._register()
        if self.is_firewalled:
            self.room.clock.after(CALL_S, self._call)

    def die(self) -> None:
        """The program is killed: its system closes its connections."""
        self.is_running = False
        for end in list(self.uploads.values()):
            end.close("is killed")

    def move(self, address: Address) -> None:
        """Its computer has another address: whoever is connected to the old one hears nothing."""
        rate = self.link.up.rate
        self.link.is_off = True
        for end in list(self.uploads.values()):
            end.close("has another address")
        self.link = Link(Port(rate), Port(self.link.down.rate))
        self.address = address
        self._register()

    def freeze(self, for_s: float) -> None:
        """The computer sleeps."""
        self.frozen_until = self.room.clock.now + for_s

    def _register(self) -> None:
        if self.is_running:
            request = Register(
                "0" * 16, self.address, self.id, self.name, self.is_leecher, shares=(SHARE,)
            )
            self.room.tracker.ask(
                self,
                lambda registry, now: registry.register(
                    request,
                    Origin(self.address.host, is_here=False),
                    now=now,
                ),
                lambda _: self.room.clock.after(PACE.early_ping_s, self._ping),
                lambda: self.room.clock.after(PACE.again_s, self._register),
            )

    def _ping(self) -> None:
        if self.is_running:
            ping = Ping("0" * 16, self.address, self.id, Status("available", (SHARE,)))
            self.room.tracker.ask(
                self,
                lambda registry, now: registry.hear(ping, self.address.host, now=now),
                lambda member: self.room.clock.after(
                    PACE.again_s if member is None else PACE.ping_s,
                    self._register if member is None else self._ping,
                ),
                lambda: self.room.clock.after(PACE.again_s, self._ping),
            )

    # Those who take from it

    def serve(self, connection: Connection) -> None:
        """A leecher is connected."""
        end = UploadEnd(self, connection, next(self._numbers))
        connection.uploader = end
        self.uploads[end.number] = end
        end.start()

    def make_room(self, host: str) -> bool:
        """Whether one more leecher is served, if need be in place of an idle one."""
        sessions = [end.session for end in self.uploads.values()]
        leaving = room_for_leecher(sessions, host, now=self.room.clock.now)
        for idle in leaving or ():
            self.uploads[idle.number].close("was idle, and its place is another's")
        return leaving is not None

    def wake(self, number: int) -> None:
        """This session has something to look at."""
        end = self.uploads.get(number)
        if end is not None:
            self.room.clock.after(0, end.look)

    def sent_digest(self, root: bytes, index: int) -> bytes:
        """Of what goes out as this chunk."""
        self.sent_at.setdefault((root, index), self.room.clock.now)
        is_wrong = self.sends_instead is not None and self.sends_instead(index)
        is_wrong = is_wrong or (bool(self.noise) and self.room.rng.random() < self.noise)
        return bytes(DIGEST_SIZE) if is_wrong else self.room.shared[root].digest(index)

    def has_changed(self, root: bytes) -> bool:
        """Whether a content is not what it was when it was read."""
        return root in self.changed

    def _have(self, root: bytes) -> int:
        holding = self.library.find(root)
        return 0 if holding is None else holding.have()

    def _contents_changed(self) -> None:
        for end in list(self.uploads.values()):
            end.session.contents_changed(now=self.room.clock.now)
            self.room.clock.after(0, end.look)

    # Nobody can connect to it

    def _call(self) -> None:
        """Call the leechers that the tracker names."""
        if not self.is_running:
            return
        self.room.clock.after(ASK_S, self._call)
        self.room.tracker.holders(self, self._call_all, lambda: None)

    def _call_all(self, members: list[Computer]) -> None:
        served = {end.connection.downloader_host.address for end in self.uploads.values()}
        served.add(self.address)
        leechers = [one.address for one in members if one.is_leecher and not one.is_unreachable]
        for address in self._calls.to_call(leechers, served, now=self.room.clock.now):
            leecher = self.room.at(address)
            self._calls.ended(address)
            if isinstance(leecher, Leecher) and self.room.can_connect(self, leecher):
                self.room.connect(self, leecher, partial(leecher.adopt, self))


class Leecher(Host):
    """A program that takes, and sends what it has."""

    def __init__(
        self,
        room: Room,
        name: str,
        number: int,
        rate: float,
        *,
        wanted: Iterable[Shared],
        is_firewalled: bool = False,
        link: Link | None = None,
        had: dict[bytes, int] | None = None,
    ) -> None:
        """`had`: chunks that an earlier run left on the disk, by root."""
        super().__init__(room, name, number, rate, is_firewalled=is_firewalled, link=link)
        self.is_leecher = True
        self.wanted = tuple(wanted)
        self.swarm = Swarm()
        self.book = PeerBook(room.rng)
        self.downloads: dict[int, DownloadEnd] = {}
        self.transfers: dict[int, ContentTransfer] = {}  # by handle
        self.done_at: float | None = None
        self.fetched = 0  # bytes of chunks that came, also in vain
        self.kept = 0  # bytes of chunks that were written
        self.damaged = 0  # chunks
        self.declined = 0  # offers
        self.broken = 0  # connections that ended in the middle of something
        self.moved_at = room.clock.now  # when a chunk was written last
        self._had = had or {}
        self._done = dict[bytes, ContentTransfer]()
        self._pause_s = PEERS_AGAIN_S[0]

    # The download

    def start(self) -> None:
        super().start()
        for shared in self.wanted:
            self._take_part(shared)
        self._dial_some()
        self._tick()
        self._look_for_peers()

    def die(self) -> None:
        super().die()
        for end in list(self.downloads.values()):
            end.close("is killed")

    def move(self, address: Address) -> None:
        super().move(address)
        for end in list(self.downloads.values()):
            end.close("has another address")
        self.book.network_changed(now=self.room.clock.now)

    @property
    def is_done(self) -> bool:
        """Whether it has everything."""
        return self.done_at is not None

    def had(self, root: bytes) -> int:
        """The chunks of a content that it has."""
        transfers = (*self.transfers.values(), *self._done.values())
        return next((one.plan.had for one in transfers if one.content.root == root), 0)

    def note_kept(self, transfer: ContentTransfer, count: int) -> None:
        """A chunk is written, and so many bytes more are counted."""
        content, resumed = transfer.content, self._had.get(transfer.content.root, 0)
        here = content.bytes_in(transfer.plan.had & ~resumed)
        self.room.check(transfer.arrived == here, self, "a chunk is counted twice, or not at all")
        self.kept += count
        self.moved_at = self.room.clock.now

    def _take_part(self, shared: Shared) -> None:
        def ended() -> None:
            if transfer.is_done:
                self._finish(transfer)
            elif not transfer.is_asking and transfer.digests() is not None:
                begin()

        def begin() -> None:
            transfer.plan = ChunkPlan(shared.content, self._had.get(shared.content.root, 0))
            transfer.store = Kept()
            self.library.add(transfer)
            self.swarm.ask(transfer, now=self.room.clock.now)
            self.speak()
            if transfer.is_done:
                self._finish(transfer)

        transfer = ContentTransfer(shared.content, shared.title, ended)
        self.swarm.add(transfer)
        self.transfers[transfer.handle] = transfer
        self.speak()
        if transfer.is_single:
            begin()

    def _finish(self, transfer: ContentTransfer) -> None:
        if not self.swarm.stop_asking(transfer):
            return
        self.library.add(transfer)
        self.swarm.remove(transfer, now=self.room.clock.now)
        self.speak()
        self._done[transfer.content.root] = self.transfers.pop(transfer.handle)
        if not self.transfers:
            self.done_at = self.room.clock.now
            self.room.story.tell(self.name, "", "has everything")
            self.room.clock.after(IDLE_S, self._hang_up)

    def _hang_up(self) -> None:
        for end in list(self.downloads.values()):
            end.close("needs nothing more")

    # Those it takes from

    def speak(self) -> None:
        """Send the swarm's frames, and wake those that it names."""
        swarm = self.swarm
        messages = swarm.to_send_later + swarm.to_send
        swarm.to_send_later, swarm.to_send = [], []
        woken, swarm.to_wake = swarm.to_wake, []
        for peer, frame in messages:
            end = self.downloads.get(peer.number)
            if end is not None:
                self.declined += isinstance(frame, frames.Decline)
                peer.sent_at = end.spoke_at = self.room.clock.now
                end.connection.tell_uploader(frame)
        for transfer in woken:
            transfer.wake()

    def adopt(self, uploader: Host) -> None:
        """A firewalled uploader has connected to us."""
        if not self.swarm.is_busy:
            return
        peers, now = self.swarm.peers.values(), self.room.clock.now
        leaving = room_for_caller(peers, uploader.address.host, now=now)
        for peer in leaving or ():
            self._leave(peer, "was idle, and its place is another's")
        if leaving is not None:
            self._join(uploader, is_caller=True)

    def connection_ended(self, end: DownloadEnd) -> None:
        """Connect again, some time."""
        self.broken += 1
        if not end.peer.is_caller:
            self.book.closed(
                end.peer.address, was_good=end.peer.meter.total > 0, now=self.room.clock.now
            )

    def _join(self, uploader: Host, *, is_caller: bool) -> None:
        now = self.room.clock.now
        peer = Peer(
            next(self._numbers),
            uploader.address,
            uploader.id,
            uploader.name,
            now,
            is_caller=is_caller,
        )
        connection = Connection(self, uploader)
        connection.downloader = DownloadEnd(self, connection, peer)
        self.downloads[peer.number] = connection.downloader
        uploader.serve(connection)
        self.swarm.joined(peer, now=now)
        self.speak()

    def _look_for_peers(self) -> None:
        if not self.is_running or self.is_done:
            return

        def told(members: list[Computer]) -> None:
            others = [one.address for one in members if not one.is_unreachable]
            others = [one for one in others if one != self.address]
            is_news = self.book.heard_of(others, now=self.room.clock.now)
            self._pause_s = pause_after(self._pause_s, is_news=is_news)
            again()

        def again() -> None:
            self.room.clock.after(self._pause_s, lambda: self.do(self._look_for_peers))

        self.room.tracker.holders(self, told, again)

    def _dial_some(self) -> None:
        """Connect to the peers that are due, and leave useless ones for them."""
        if not self.is_running or self.is_done:
            return
        self.room.clock.after(DIAL_S, lambda: self.do(self._dial_some, 0.0))
        now, peers = self.room.clock.now, self.swarm.peers.values()
        for peer in self.book.to_leave(peers, moved_at=self.swarm.moved_at, now=now):
            self._leave(peer, "brings nothing and is left")
        due = self.book.to_dial(now=now, fast=fast(peers), stalled=stalled(peers, now=now))
        for address in due:
            self._dial(address)

    def _dial(self, address: Address) -> None:
        now = self.room.clock.now
        other = self.room.at(address)

        def failed() -> None:
            self.book.closed(address, was_good=False, now=self.room.clock.now)

        def opened(other: Host) -> None:
            if not other.make_room(self.address.host):
                failed()
                return
            self.book.opened(address)
            self._join(other, is_caller=False)
            if isinstance(other, Leecher) and not self.is_firewalled:
                other.book.heard_of([self.address], now=self.room.clock.now)

        if other is None or not self.room.can_connect(self, other):
            is_refused = other is not None and self.room.is_refused(self, other)
            pause_s = 2 * self.room.network.delay_s if is_refused else CONNECT_S
            self.room.clock.at(now + pause_s, failed)
        else:
            self.room.connect(self, other, partial(opened, other), failed)

    def _leave(self, peer: Peer, why: str) -> None:
        end = self.downloads.get(peer.number)
        if end is not None:
            end.close(why)

    def _tick(self) -> None:
        if not self.is_running or self.is_done:
            return
        self.room.clock.after(TICK_S, lambda: self.do(self._tick, self.room.costs.tick_s))
        quiet = self.swarm.tick(now=self.room.clock.now)
        self.speak()
        for peer in quiet:
            self._leave(peer, "sends nothing of what it has")
        for end in list(self.downloads.values()):
            end.look()
        self.room.look_at(self)


class Tracker:
    """The table, asked over a network that loses datagrams."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.registry = Registry()
        self.link = Link(Port(1e9), Port(1e9))
        self.is_running = True
        room.clock.after(1.0, self._look)

    def restart(self) -> None:
        """It forgets everything."""
        self.registry = Registry()
        self.is_running = True

    def ask(
        self,
        host: Host,
        question: Callable[[Registry, float], object],
        answered: Callable[[object], None],
        failed: Action,
        tries: int = 0,
    ) -> None:
        """Ask, again and again, and be told the answer or that there is none."""
        room = self.room

        def there() -> None:
            is_through = self.is_running and room.network.is_through(host.link, self.link)
            if not is_through or room.network.is_lost(100):
                again()
                return
            answer = question(self.registry, room.clock.now)
            if room.network.is_through(self.link, host.link) and not room.network.is_lost(100):
                room.clock.after(room.network.delay_s, lambda: host.do(lambda: answered(answer)))
            else:
                again()

        def again() -> None:
            if tries < len(TRIES_S):
                room.clock.after(
                    TRIES_S[tries], lambda: self.ask(host, question, answered, failed, tries + 1)
                )
            else:
                failed()

        room.clock.after(room.network.delay_s + 1e-4, there)

    def holders(
        self, host: Host, answered: Callable[[list[Computer]], None], failed: Action
    ) -> None:
        """Ask for the programs that take part."""

        def told(members: object) -> None:
            assert isinstance(members, list)
            answered(members)

        self.ask(
            host,
            lambda registry, _: list(registry.holders((SHARE,), is_here=False)),
            told,
            failed,
        )

    def _look(self) -> None:
        """Note which hosts can be reached, and forget silent ones."""
        self.room.clock.after(1.0, self._look)
        now = self.room.clock.now
        self.registry.expire(now=now)
        for entry in self.registry.entries():
            host = self.room.at(entry.advertised)
            if host is not None and entry.is_reachable is None:
                self.registry.note_reachable(entry.key, not host.is_firewalled)
