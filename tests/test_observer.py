"""A program that asks a tracker who is in its room."""

from __future__ import annotations

from roles.observer import Observer
from roles.values.addresses import Address
from roles.values.errors import TrackerSilentError
from roles.values.events import RoleStopped, RoomChanged
from roles.values.settings import Failover
from tests.role_test import RoomTest, Running
from tests.support import EventLog


class ObserverTest(RoomTest):
    def observing(self, tracker: Address) -> Running[Observer]:
        log = EventLog()
        return self.run_role(Observer(tracker, Failover.NOWHERE, log), log)

    def failure_at(self, tracker: Address) -> str:
        failure = self.observing(tracker).log.wait_for(RoleStopped).failure
        assert isinstance(failure, TrackerSilentError)
        return str(failure)

    def test_it_tells_who_is_in_the_room_and_takes_no_part(self) -> None:
        tracker = self.tracker()
        self.constant("observer", "ASK_AGAIN_S", 0.05)
        self.seeder(self.make_folder("shared", {"a": b"x"}), tracker.address)
        observer = self.observing(tracker.address)
        room = observer.log.wait_for(
            RoomChanged,
            where=lambda room: [participant.files for participant in room.participants] == [1],
        )
        self.assertFalse(room.participants[0].is_leecher)

    def test_it_says_that_no_tracker_answers(self) -> None:
        self.constant("joining.tracker_asker", "TRIES_S", (0.05,))
        silent = Address("127.0.0.1", self.free_port("udp"))
        self.assertIn("No tracker at", self.failure_at(silent))

    def test_it_says_that_an_original_tracker_does_not_tell_its_room(self) -> None:
        self.assertIn(
            "original tracker", self.failure_at(Address(*self.original_tracker().address))
        )
