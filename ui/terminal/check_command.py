"""The command `check`: whether this computer is ready."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import fields
from pathlib import Path

from roles.checker import Checker
from roles.program.profile import Profile, SettingsFile
from roles.values.addresses import Address
from roles.values.errors import CodeRefusedError, LmkError
from roles.values.events import RoleStopped
from roles.values.findings import Finding, FoundTracker, TrackerChecked
from roles.values.settings import CheckSettings
from roles.values.typed_settings import may_discover, tracker_address
from ui.check_words import CheckWords, Outcome, check_words, summary
from ui.exit_codes import ExitCode
from ui.terminal.code_options import with_code
from ui.terminal.output import Output, can_ask
from ui.terminal.session import Session

MARKS = {Outcome.GOOD: "ok", Outcome.NOTE: "note", Outcome.FAILED: "FAILED"}


def run(args: argparse.Namespace, profile: Profile, output: Output) -> ExitCode:
    """Print one line for each check as soon as it is done. Raises UserInputError."""
    lines = list[CheckWords]()

    def check(code: str) -> ExitCode:
        settings = settings_for(args, profile, code)
        with Session(output) as session:
            session.start(lambda post: Checker(settings, post))
            while not isinstance(event := session.next_event(), RoleStopped):
                if not isinstance(event, Finding):
                    continue
                refusal = event.failure if isinstance(event, TrackerChecked) else None
                if isinstance(refusal, CodeRefusedError) and may_ask and not code:
                    raise refusal  # and begin again with a code
                line = check_words(event, sys.platform)
                if line not in lines:
                    lines.append(line)
                    print_line(line, event, output)
        return print_end(lines, output)

    may_ask = can_ask() and not output.as_json
    return with_code(args, output, check)


def settings_for(args: argparse.Namespace, profile: Profile, code: str) -> CheckSettings:
    named = os.environ.get("LMK_TRACKER", "").strip()
    kept = SettingsFile(profile.settings_file).load()
    return CheckSettings(
        args.to,
        args.tracker or (tracker_address("", os.environ) if named else None),
        kept.tracker_port,
        kept.seeder_port,
        profile.state_folder,
        may_search=may_discover(os.environ),
        code=code,
    )


def print_line(line: CheckWords, finding: Finding, output: Output) -> None:
    known = {
        field.name.removeprefix("is_"): _plain(getattr(finding, field.name))
        for field in fields(finding)
    }
    output.json(
        event="check",
        check=line.check,
        outcome=line.outcome.value,
        text=line.text,
        remedy=line.remedy,
        found=known,
    )
    output.result(f"{MARKS[line.outcome]:6}  {line.title}: {line.text}")
    if line.remedy:
        output.result(f"        {line.remedy}")


def print_end(lines: list[CheckWords], output: Output) -> ExitCode:
    failed = sum(line.outcome is Outcome.FAILED for line in lines)
    code = ExitCode.SOME_FAILED if failed else ExitCode.DONE
    notes = sum(line.outcome is Outcome.NOTE for line in lines)
    output.json(event="checked", failed=failed, notes=notes, exit_code=int(code))
    output.say(summary(lines))
    return code


def _plain(value: object) -> object:
    """What JSON has."""
    match value:
        case FoundTracker(address, name, is_original, _, is_private):
            kinds = {"original": is_original, "private": is_private}
            return {"name": name, "address": str(address), **kinds}
        case Path() | LmkError() | Address():
            return str(value)
        case tuple():
            return list(map(_plain, value))
        case _:
            return value
