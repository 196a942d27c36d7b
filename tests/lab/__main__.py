"""Build rooms out of network namespaces and measure how fast they share files.

    python3 -m tests.lab HOSTS MBIT MIB [--files N] [--seeders N] [--slow N] ...
    python3 -m tests.lab --all
    python3 -m tests.lab --ceiling
    python3 -m tests.lab --flood
    python3 -m tests.lab --changes [SCENES]
    python3 -m tests.lab --truth

HOSTS leechers download MIB MiB, each over a link of MBIT Mbit/s in both directions. The times run
from the order to download, which all get at once, to the last verified file. A ratio compares them
with the time that the bare bytes take at the link's rate; TCP's headers allow about 1.05 at best.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from statistics import median

from tests.lab import flood, truth
from tests.lab.aria2 import is_installed, seconds_of_room
from tests.lab.changes import measured
from tests.lab.network import LabError, leave_tidily
from tests.lab.room import Outcome, Plan, measure
from tests.lab.stream import bare_rate

MIB = 1 << 20
HEAD = (
    f"{'room':44} {'first':>6} {'median':>6} {'last':>6} {'ratio':>6} {'copies':>6} "
    f"{'cpu s':>6} {'busy':>5} {'memory of leecher, seeder':>25}"
)
SLOW_ROOM = Plan(4, 100.0, 64 * MIB, seeders=4, seeder_mbit=50.0)
ROOMS = (
    Plan(8, 100.0, 64 * MIB),
    Plan(16, 50.0, 64 * MIB),
    Plan(32, 25.0, 64 * MIB),
    Plan(16, 50.0, 64 * MIB, files=32),
    Plan(16, 50.0, 6_400 * 10 * 1_024, files=6_400),
)
CEILINGS = ((100.0, 1), (50.0, 1), (25.0, 1), (100.0, 7), (50.0, 15), (25.0, 31))
FLOOD_RATE = 1_000.0  # a second
CEILING_S = 4.0  # of each bare transfer


def main() -> int:
    arguments = parse_arguments()
    leave_tidily()
    os.environ["LMK_CODE"] = "482177305" if arguments.private else ""  # for the programs
    try:
        if arguments.ceiling:
            show_ceilings()
        elif arguments.flood:
            show_floods()
        elif arguments.truth:
            return show_truth()
        elif arguments.changes is not None:
            return show_changes(arguments.changes)
        elif arguments.all:
            show_all()
        elif arguments.aria2:
            show_aria2(plan_from(arguments))
        else:
            plan = plan_from(arguments)
            show_slow(plan) if arguments.scene else show_rooms([plan])
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.lab", description="Measure rooms of network namespaces."
    )
    parser.add_argument("hosts", nargs="?", type=int, default=8, help="leechers (8)")
    parser.add_argument("mbit", nargs="?", type=float, default=100.0, help="of each link (100)")
    parser.add_argument("mib", nargs="?", type=float, default=64.0, help="to share (64)")
    parser.add_argument("--files", type=int, default=1, help="how many files that is (1)")
    parser.add_argument("--file-size", type=int, help="bytes of each, instead of MIB")
    parser.add_argument("--seeders", type=int, default=1, help="with the same files (1)")
    parser.add_argument("--seeder-mbit", type=float, help="of a seeder's link, if another")
    parser.add_argument("--slow", type=int, default=0, help="seeders at 1 %% of the others' rate")
    parser.add_argument("--firewalled", type=int, default=0, help="leechers without visitors")
    parser.add_argument("--firewalled-seeder", action="store_true", help="nobody reaches it")
    parser.add_argument("--kill-seeder-at", type=float, help="after so many copies, e.g. 1.2")
    parser.add_argument("--kill-leecher-at", type=float, help="at this share of the file")
    parser.add_argument("--loss", type=float, default=0.0, help="percent of packets lost")
    parser.add_argument("--delay", type=float, default=0.0, help="ms, each way")
    parser.add_argument("--scene", choices=["slow-seeder"], help="with and without a slow seeder")
    parser.add_argument("--all", action="store_true", help="the table of rooms")
    parser.add_argument("--aria2", action="store_true", help="by aria2 from one web server")
    parser.add_argument("--private", action="store_true", help="the room has a code")
    parser.add_argument("--flood", action="store_true", help="a tracker that strangers flood")
    parser.add_argument("--truth", action="store_true", help="how late the room's status is")
    parser.add_argument("--ceiling", action="store_true", help="what bare TCP reaches")
    parser.add_argument(
        "--changes", nargs="?", const="", metavar="SCENES", help="addresses and cables that change"
    )
    return parser.parse_args()


def plan_from(arguments: argparse.Namespace) -> Plan:
    size = int(arguments.mib * MIB)
    if arguments.file_size:
        size = arguments.files * arguments.file_size
    plan = Plan(
        arguments.hosts,
        arguments.mbit,
        size,
        files=arguments.files,
        seeders=arguments.seeders,
        seeder_mbit=arguments.seeder_mbit,
        slow=arguments.slow,
        firewalled=arguments.firewalled,
        is_seeder_firewalled=arguments.firewalled_seeder,
        kill_seeder_at=arguments.kill_seeder_at,
        kill_leecher_at=arguments.kill_leecher_at,
        loss=arguments.loss,
        delay_ms=arguments.delay,
    )
    return replace(plan, seeders=4) if arguments.scene and plan.seeders < 2 else plan


def show_all() -> None:
    show_rooms(ROOMS)
    show_slow(SLOW_ROOM)


def show_rooms(plans: tuple[Plan, ...] | list[Plan]) -> None:
    say(HEAD)
    for plan in plans:
        show(measure(plan))


def show_slow(plan: Plan) -> None:
    """The same room with one slow seeder and without it."""
    say(HEAD)
    without = measure(replace(plan, seeders=plan.seeders - 1))
    show(without)
    slow = measure(replace(plan, slow=1))
    show(slow)
    if without.seconds and slow.seconds:
        say(f"with the slow seeder: {slow.seconds[-1] / without.seconds[-1]:.2f} of the time")


def show_aria2(plan: Plan) -> None:
    if not is_installed():
        raise LabError("aria2 is not installed. Type: sudo apt-get install aria2")
    seconds = seconds_of_room(plan)
    ratio = seconds[-1] / plan.ideal_s
    say(f"{name_of(plan)}, by aria2: first {seconds[0]:.2f}, last {seconds[-1]:.2f}, {ratio:.2f}")


def show(outcome: Outcome) -> None:
    first, middle, last = (
        (outcome.seconds[0], median(outcome.seconds), outcome.seconds[-1])
        if outcome.seconds
        else (float("nan"),) * 3
    )
    memory = f"{outcome.leecher_memory / 1e6:.0f}, {outcome.seeder_memory / 1e6:.0f} MB"
    say(
        f"{name_of(outcome.plan):44} {first:6.2f} {middle:6.2f} {last:6.2f} {outcome.ratio:6.2f} "
        f"{outcome.copies:6.2f} {outcome.cpu_s:6.1f} {outcome.busy:5.0%} {memory:>25}"
    )
    for problem in outcome.problems:
        say(f"    {problem}")


def name_of(plan: Plan) -> str:
    return ", ".join(words_of(plan))


def words_of(plan: Plan) -> Iterator[str]:
    yield f"{plan.hosts} at {plan.mbit:g} Mbit/s"
    yield f"{plan.size / MIB:.4g} MiB"
    if plan.files > 1:
        yield f"{plan.files:,} files"
    if plan.seeders > 1:
        yield f"{plan.seeders} seeders"
    if plan.seeder_mbit:
        yield f"at {plan.seeder_mbit:g}"
    if plan.slow:
        yield f"{plan.slow} slow"
    if plan.firewalled or plan.is_seeder_firewalled:
        yield f"{plan.firewalled + plan.is_seeder_firewalled} firewalled"
    if plan.loss or plan.delay_ms:
        yield f"{plan.loss:g} % lost, {plan.delay_ms:g} ms"


def show_floods() -> None:
    say(f"answered within a second, of {flood.TRIES}, and the slowest answer")
    for kind in flood.KINDS:
        told = flood.measure(kind, FLOOD_RATE)
        say(
            f"{told.rate:5.0f} {kind:13} a second: "
            f"a member {told.member:2} {told.member_s:6.3f} s, "
            f"without a cookie {told.newcomer:2} {told.newcomer_s:6.3f} s, tracker {told.cpu:4.0%}"
        )


def show_ceilings() -> None:
    say("payload of bare TCP over the link's rate, one receiver")
    for mbit, senders in CEILINGS:
        share = bare_rate(mbit, int(mbit * 1e6 / 8 * CEILING_S), senders=senders)
        say(f"{senders:3} to one at {mbit:g} Mbit/s: {share:.3f}")


def show_changes(pattern: str) -> int:
    """How soon a room works again; returns 1 if that took too long."""
    say(f"{'what happens':44} {'goal':>6} {'took':>6}")
    code = 0
    for scene, seconds, why in measured(pattern):
        took = "never" if seconds is None else f"{seconds:.1f}"
        say(f"{scene.words:44} {scene.goal_s:6.0f} {took:>6}  {why}".rstrip())
        code |= seconds is None or seconds > scene.goal_s
    return code


def show_truth() -> int:
    """How late what a room is told is, at most; returns 1 if something was told too late."""
    say(f"{'what':12} {'of':24} {'late at most':>12} {'goal':>6}")
    lags = truth.measure()
    for lag in lags:
        fault = "  FAULT" if lag.is_fault else ""
        say(f"{lag.what:12} {lag.who:24} {lag.seconds:10.1f} s {lag.limit_s:4.0f} s{fault}")
    return int(any(lag.is_fault for lag in lags))


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
