"""The receiving end of a virtual connection: Downloader's work, done with events."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.downloader import LIMITS, wake_bytes
from roles.swarm.frame_deadlines import FrameDeadlines
from roles.swarm.peer import Peer
from roles.values.errors import PeerProtocolError
from roles.wire import frames
from tests.rooms.clock import Action
from tests.rooms.uploading import Part

if TYPE_CHECKING:
    from tests.rooms.host import Connection, Leecher


class DownloadEnd:
    """Takes from one peer."""

    def __init__(self, host: Leecher, connection: Connection, peer: Peer) -> None:
        self.peer = peer
        self.connection = connection
        self.is_open = True
        self.spoke_at = host.room.clock.now
        self._deadlines = FrameDeadlines(now=self.spoke_at)
        self._payload: object = None  # that is arriving
        self._host = host
        self._clock = host.room.clock
        self._inbox = deque[tuple[object, int, bool]]()
        self._is_busy = False
        self._part: Part | None = None  # that arrives
        self._came = 0  # bytes of it that the swarm was not told of yet
        self._transfer: ContentTransfer | None = None  # of the part

    def close(self, why: str) -> None:
        """The connection ends."""
        if self.is_open:
            self.is_open = False
            self._host.room.story.tell(self._host.name, self.connection.uploader_host.name, why)
            del self._host.downloads[self.peer.number]
            self._host.swarm.left(self.peer, now=self._clock.now)
            self._host.speak()
            self._host.connection_ended(self)
            self.connection.closed_by(self._host)

    def receive(self, payload: object, count: int, is_last: bool) -> None:
        """Bytes of a frame or a part came. They are dealt with in their order."""
        if not self.is_open:
            return
        if self._payload is not payload:
            self._payload = payload
            self._deadlines.next_frame(self._clock.now)
            if isinstance(payload, Part):
                self._deadlines.is_part()
        try:
            self._deadlines.heard(now=self._clock.now)
        except TimeoutError as error:
            self.close(f"drops it: {error}")
            return
        if is_last:
            self._payload = None
            self._deadlines.next_frame()
        self._inbox.append((payload, count, is_last))
        self._deal()

    def _deal(self) -> None:
        while self._inbox and not self._is_busy and self.is_open:
            payload, count, is_last = self._inbox.popleft()
            try:
                if isinstance(payload, Part):
                    self._receive_part(payload, count, is_last)
                elif is_last:
                    self._work(partial(self._hear, payload), self._host.room.costs.frame_s)
            except PeerProtocolError as error:
                self.close(f"drops it: {error}")

    def _work(self, action: Action, cost_s: float) -> None:
        """What comes is not looked at before this is done."""

        def done() -> None:
            self._is_busy = False
            action()
            self._deal()

        self._is_busy = True
        self._host.do(done, cost_s)

    def look(self) -> None:
        """Some times a second. Ends what has fallen silent."""
        now = self._clock.now
        try:
            self._deadlines.heard_nothing(now=now)
        except TimeoutError as error:
            self.close(f"drops it: {error}")
            return
        if now - self.spoke_at >= LIMITS.alive_s:
            self.spoke_at = now
            self.connection.tell_uploader(frames.Alive())

    def _receive_part(self, part: Part, count: int, is_last: bool) -> None:
        swarm, now = self._host.swarm, self._clock.now
        self._host.fetched += count
        if self._part is not part:
            self._part, self._came = part, 0
            self._transfer = swarm.expected(self.peer, part.handle, part.index)
        self._came += count
        if self._transfer is not None and (is_last or self._came >= wake_bytes(self.peer)):
            swarm.received(self.peer, self._transfer, part.index, self._came, now=now)
            self._came = 0
        if not is_last:
            return
        transfer, self._transfer, self._part = self._transfer, None, None
        if transfer is None:
            return
        if part.offset + part.length >= transfer.content.length(part.index):
            costs = self._host.room.costs
            keep = partial(self._keep, transfer, part)
            self._is_busy = True
            self._host.spend(costs.received_s, lambda: self._work(keep, costs.checked_s))

    def _keep(self, transfer: ContentTransfer, part: Part) -> None:
        """A chunk is here whole."""
        host, swarm, now = self._host, self._host.swarm, self._clock.now
        if not self.is_open or swarm.get(part.handle) is not transfer or not transfer.is_asking:
            return
        index = part.index
        if not transfer.is_right(index, part.digest):
            host.room.story.tell(host.name, "", f"chunk {index} from {self._name} is damaged")
            host.damaged += 1
            is_over = swarm.damaged(self.peer, transfer, index, now=now)
            host.speak()
            if is_over:
                self.close("drops it: it keeps sending damaged chunks")
            return
        before = transfer.arrived
        swarm.written(self.peer, transfer, index, now=now)
        host.note_kept(transfer, transfer.arrived - before)
        host.scheduler.news(transfer.content.root, 1 << index)
        host.speak()
        host.room.look_at(host)

    def _hear(self, frame: object) -> None:
        if not self.is_open:
            return
        try:
            self._handle(frame)
        except PeerProtocolError as error:
            self.close(f"drops it: {error}")

    def _handle(self, frame: object) -> None:
        if isinstance(frame, frames.Offer) and not self._host.answers_offers:
            return
        self._host.swarm.came(self.peer, frame, now=self._clock.now)  # type: ignore[arg-type]
        self._host.speak()

    @property
    def _name(self) -> str:
        return self.connection.uploader_host.name
