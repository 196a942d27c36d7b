"""The command `check`: whether this computer is ready."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import fields
from pathlib import Path

from roles.checker import Checker
from roles.program.profile import Profile, SettingsFile
from roles.program.user_folders import default_download_folder
from roles.values.addresses import Address
from roles.values.errors import LmkError
from roles.values.events import Finding, FoundTracker, RoleStopped
from roles.values.settings import CheckSettings, may_discover, parse_tracker
from ui.check_words import CheckWords, Outcome, check_words, summary
from ui.exit_codes import ExitCode
from ui.terminal.output import Output
from ui.terminal.session import Session

MARKS = {Outcome.GOOD: "ok", Outcome.NOTE: "note", Outcome.FAILED: "FAILED"}


def run(chosen: argparse.Namespace, profile: Profile, output: Output) -> ExitCode:
    """Print one line for each check as soon as it is done. Raises UserInputError."""
    settings = settings_for(chosen, profile)
    lines = list[CheckWords]()
    with Session(output) as session:
        session.start(lambda post: Checker(settings, post))
        while not isinstance(event := session.next_event(), RoleStopped):
            if isinstance(event, Finding):
                line = check_words(event, sys.platform)
                lines.append(line)
                print_line(line, event, output)
    return print_end(lines, output)


def settings_for(chosen: argparse.Namespace, profile: Profile) -> CheckSettings:
    named = os.environ.get("LMK_TRACKER", "").strip()
    kept = SettingsFile(profile.settings_file).load()
    return CheckSettings(
        chosen.to or default_download_folder(),
        chosen.tracker or (parse_tracker(named) if named else None),
        kept.tracker_port,
        kept.seeder_port,
        profile.state_folder,
        may_search=may_discover(os.environ),
    )


def print_line(line: CheckWords, finding: Finding, output: Output) -> None:
    known = {field.name: _plain(getattr(finding, field.name)) for field in fields(finding)}
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
        case FoundTracker(address, name, is_original):
            return {"name": name, "address": str(address), "original": is_original}
        case Path() | LmkError() | Address():
            return str(value)
        case tuple():
            return [_plain(one) for one in value]
        case _:
            return value
