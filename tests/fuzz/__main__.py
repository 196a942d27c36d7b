"""Mutate the samples at random and feed every parser: python3 -m tests.fuzz [SECONDS] [--seed N].

Fails, with the input and the traceback, on the first exception that no parser may raise.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections.abc import Sequence

from tests.fuzz.samples import TOKENS
from tests.fuzz.target import Target
from tests.fuzz.targets import ALLOWED, TARGETS

DEFAULT_S = 20.0
BATCH = 200  # executions between two looks at the clock
MAX_LENGTH = 20_000
MAX_KEPT = 500  # mutated inputs that a parser accepted, per target: a good base for more mutations


class Fuzzer:
    """One target with its growing collection of inputs."""

    def __init__(self, target: Target, rng: random.Random) -> None:
        self.target = target
        self.executions = 0
        self.accepted = 0
        self._rng = rng
        self._inputs = list(target.seeds)

    def run_until(self, deadline: float) -> bytes | None:
        """The input that broke the parser, or None."""
        while time.monotonic() < deadline:
            for _ in range(BATCH):
                data = self._damaged(self._rng.choice(self._choices()))
                self.executions += 1
                try:
                    self.target.run(data)
                except ALLOWED:
                    continue
                except Exception:  # noqa: BLE001  # whatever else leaves a parser is the find
                    traceback.print_exc()
                    return data
                self._keep(data)
        return None

    def _choices(self) -> Sequence[bytes]:
        """Half of the time the seeds, because otherwise it would drift off to trivial inputs."""
        return self.target.seeds if self._rng.random() < 0.5 else self._inputs

    def _keep(self, data: bytes) -> None:
        self.accepted += 1
        if len(self._inputs) < MAX_KEPT:
            self._inputs.append(data)
        else:
            self._inputs[self._rng.randrange(len(self.target.seeds), MAX_KEPT)] = data

    def _damaged(self, data: bytes) -> bytes:
        for _ in range(self._rng.choice((1, 1, 1, 2, 3, 8))):
            data = damage(data, self._inputs, self._rng)
        return data[:MAX_LENGTH]


def damage(data: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """One small change."""
    place = rng.randrange(len(data) + 1)
    end = min(len(data), place + rng.choice((1, 1, 2, 4, 16)))
    match rng.randrange(7):
        case 0:  # flip a bit
            flipped = bytes([data[place] ^ 1 << rng.randrange(8)]) if place < len(data) else b""
            return data[:place] + flipped + data[place + 1 :]
        case 1:
            return data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :]
        case 2:
            return data[:place] + data[end:]
        case 3:
            return data[:place] + data[place:end] * rng.choice((2, 3, 50)) + data[end:]
        case 4:
            return data[:place] + rng.choice(TOKENS) + data[place:]
        case 5:
            return data[:place] + rng.choice(TOKENS) + data[end:]
        case _:  # the start of this one and the end of another
            other = rng.choice(others)
            return data[:place] + other[rng.randrange(len(other) + 1) :]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tests.fuzz", description="Fuzz the parsers.")
    parser.add_argument("seconds", nargs="?", type=float, default=DEFAULT_S, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    arguments = parser.parse_args()
    say(f"seed {arguments.seed}")
    executions, begun = 0, time.monotonic()
    for number, target in enumerate(TARGETS):
        fuzzer = Fuzzer(target, random.Random(f"{arguments.seed} {target.name}"))
        start = time.monotonic()
        left = max(0.0, begun + arguments.seconds - start)
        found = fuzzer.run_until(start + left / (len(TARGETS) - number))
        if found is not None:
            say(f"{target.name} is broken by {found!r}")
            return 1
        took_s = max(time.monotonic() - start, 1e-6)
        executions += fuzzer.executions
        say(
            f"{fuzzer.executions / took_s:10,.0f}/s {fuzzer.executions:10,} executions, "
            f"{fuzzer.accepted:9,} accepted: {target.name}"
        )
    say(f"{executions:,} executions, {executions / (time.monotonic() - begun):,.0f}/s, none failed")
    return 0


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
