"""Bits that flip on the way: the file is right at the end, and the download does end."""

from __future__ import annotations

import random

from roles.leecher import Leecher
from roles.values.content import MIN_CHUNK_SIZE
from roles.values.events import DownloadState
from roles.values.settings import Existing
from tests.noisy_line import Damage, NoisyLine, clean, flips, noise
from tests.role_test import RoomTest, Running, content_of, list_now, wait_for_end
from tests.tracker_requests import list_as_lmk2, register

CHUNK = MIN_CHUNK_SIZE
GREETING = 90  # bytes, about, each way
WORDS = 160  # bytes of the first words behind it
FLIPS = 12  # in each direction


class NoisyLineTest(RoomTest):
    """A seeder that is reached over a line with faults, and nobody else who has its file."""

    def setUp(self) -> None:
        super().setUp()
        for module, name, value in (
            ("swarm.swarm", "OPEN_AGAIN_S", 0.2),
            ("swarm.swarm", "QUIET_S", 0.4),
            ("swarm.swarm", "AGAIN_S", 0.2),
            ("leecher", "TICK_S", 0.05),
            ("swarm.digest_requests", "ANSWER_S", 0.4),
            ("net.peer_greeting", "ANSWER_S", 0.4),
            ("swarm.acceptor", "GREETING_S", 0.4),
            ("swarm.peer_book", "AGAIN_S", 0.05),
            ("swarm.peer_book", "AGAIN_MAX_S", 0.1),
        ):
            self.constant(module, name, value)
        self.taken = 0

    def seeding(self, content: bytes) -> tuple[str, int]:
        """A seeder whose own tracker nobody else knows."""
        self.content = content
        return self.seeder(
            self.make_folder("shared", {"a": content}), self.tracker().address
        ).address

    def comes_over(
        self, seeder: tuple[str, int], *, there: Damage = clean, back: Damage = clean, lmk: int = 2
    ) -> NoisyLine:
        """Download the file over such a line: it must be right."""
        room = self.tracker().address
        line = self.enterContext(NoisyLine(seeder, there=there, back=back))
        if lmk == 2:
            list_as_lmk2(room, line.address, {"a": self.content})
        else:
            register(room, line.address, {"a": len(self.content)})
        self.taken += 1
        target = self.make_folder(f"taken {self.taken}")
        leecher: Running[Leecher] = self.leecher(target, room)
        list_now(leecher, "a")
        leecher.role.download(["a"], Existing.SKIP)
        end = wait_for_end(leecher, "a")
        self.assertIs(end.state, DownloadState.DONE, end)
        self.assertTrue((target / "a").read_bytes() == self.content)
        leecher.stop()
        return line

    def test_a_seeder_behind_a_line_with_noise_is_enough_by_lmk2(self) -> None:
        seeder = self.seeding(content_of(10 * CHUNK))
        for one_in in (1e5, 1e6, 1e7):
            rng = random.Random(int(one_in))
            with self.subTest(one_in=one_in):
                self.comes_over(seeder, there=noise(one_in, rng), back=noise(one_in, rng))

    def test_a_seeder_behind_a_line_with_noise_is_enough_by_lmk1(self) -> None:
        seeder = self.seeding(content_of(4_000_000))
        for one_in in (1e5, 1e6, 1e7):
            rng = random.Random(int(one_in))
            with self.subTest(one_in=one_in):
                there, back = noise(one_in, rng), noise(one_in, rng)
                self.comes_over(seeder, there=there, back=back, lmk=1)

    def test_one_bit_anywhere_in_the_first_words_costs_a_connection_at_most(self) -> None:
        seeder = self.seeding(content_of(3 * CHUNK + 5))
        rng = random.Random(1)
        for bit in rng.sample(range(8 * (GREETING + WORDS)), FLIPS):
            with self.subTest(bit=bit):
                for there, back in ((flips(bit), clean), (clean, flips(bit))):
                    line = self.comes_over(seeder, there=there, back=back)
                    self.assertLess(line.connections, 10)
