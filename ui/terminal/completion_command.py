"""The command `completion`: prints a script with which a shell completes commands and options.

All of it comes from the parsers of the command line.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable

from roles.program.profile import Profile
from ui.exit_codes import ExitCode
from ui.terminal.arguments import Command, Option, all_commands
from ui.terminal.output import Output


def run(chosen: argparse.Namespace, profile: Profile, output: Output) -> ExitCode:
    scripts = {"bash": for_bash, "zsh": for_zsh, "fish": for_fish}
    alone, *commands = all_commands()
    output.result(scripts[chosen.shell](alone, commands))
    return ExitCode.DONE


def for_bash(alone: Command, commands: list[Command]) -> str:
    names = [one.name for one in commands]
    options = {flag: one for of in (alone, *commands) for one in of.options for flag in one.flags}
    folders = [flag for flag, one in options.items() if one.is_folder]
    files = [flag for flag, one in options.items() if one.is_file]
    known = {*folders, *files, *(flag for flag, one in options.items() if one.choices)}
    others = [flag for flag, one in options.items() if one.takes and flag not in known]
    chosen = [
        f"        {flag}) _lmktorrent_words {_words(one.choices)}; return ;;"
        for flag, one in options.items()
        if one.choices
    ]
    words = [
        f"        {name}) _lmktorrent_words {_words(_offered(of))} ;;"
        for of, name in zip((alone, *commands), ("''", *names), strict=True)
    ]
    with_folder = [of.name or "''" for of in (alone, *commands) if _takes_folder(of)]
    return "\n".join(
        [
            "# bash: source <(lmktorrent completion bash)",
            "_lmktorrent_words() {",
            '    COMPREPLY+=($(compgen -W "$1" -- "${COMP_WORDS[COMP_CWORD]}"))',
            "}",
            "_lmktorrent_paths() {",
            "    local IFS=$'\\n'",
            "    compopt -o filenames 2> /dev/null",
            '    COMPREPLY+=($(compgen "$1" -- "${COMP_WORDS[COMP_CWORD]}"))',
            "}",
            "_lmktorrent() {",
            "    local command= i",
            "    COMPREPLY=()",
            "    for ((i = 1; i < COMP_CWORD; i++)); do",
            f"        case ${{COMP_WORDS[i]}} in {'|'.join(names)})",
            "            command=${COMP_WORDS[i]}; break ;;",
            "        esac",
            "    done",
            "    case ${COMP_WORDS[COMP_CWORD-1]} in",
            f"        {'|'.join(folders)}) _lmktorrent_paths -d; return ;;",
            f"        {'|'.join(files)}) _lmktorrent_paths -f; return ;;",
            f"        {'|'.join(others)}) return ;;",
            *chosen,
            "    esac",
            "    case $command in",
            *words,
            "    esac",
            f"    case $command in {'|'.join(with_folder)}) _lmktorrent_paths -d ;; esac",
            "}",
            "complete -F _lmktorrent lmktorrent",
        ]
    )


def for_zsh(alone: Command, commands: list[Command]) -> str:
    cases = [
        f"            {one.name}) _arguments -s {' '.join(map(_zsh, one.options))} ;;"
        for one in commands
    ]
    named = " ".join(shlex.quote(f"{one.name}:{one.does}") for one in commands)
    return "\n".join(
        [
            "#compdef lmktorrent",
            "# zsh: source <(lmktorrent completion zsh)",
            "_lmktorrent() {",
            "    local context state state_descr line",
            "    typeset -A opt_args",
            f"    local -a commands=({named})",
            f"    _arguments -s -C {' '.join(map(_zsh, alone.options))} \\",
            "        '1: :->first' '*:: :->rest'",
            "    case $state in",
            "        first) _describe command commands; _files -/ ;;",
            "        rest) case $words[1] in",
            *cases,
            "        esac ;;",
            "    esac",
            "}",
            'if [ "$funcstack[1]" = _lmktorrent ]; then _lmktorrent "$@"',
            "else compdef _lmktorrent lmktorrent; fi",
        ]
    )


def for_fish(alone: Command, commands: list[Command]) -> str:
    first = "complete -c lmktorrent -n __fish_use_subcommand"
    lines = ["# fish: lmktorrent completion fish | source", "complete -c lmktorrent -f"]
    lines += [f"{first} -a {one.name} -d {_fish(one.does)}" for one in commands]
    lines.append(f"{first} -a '(__fish_complete_directories)'")
    for of in (alone, *commands):
        seen = f"__fish_seen_subcommand_from {of.name}" if of.name else "__fish_use_subcommand"
        for one in of.options:
            flags = [f"-l {f[2:]}" if f.startswith("--") else f"-s {f[1:]}" for f in one.flags]
            values = " ".join(one.choices)
            values = "(__fish_complete_directories)" if one.is_folder else values
            takes = [f"{'-x ' if flags else ''}-a {_fish(values)}"] if values else []
            takes = ["-r -F"] if one.is_file else takes or (["-x"] if flags and one.takes else [])
            if flags or takes:
                about = [f"-d {_fish(one.does)}"] if flags else []
                parts = ["complete -c lmktorrent -n", _fish(seen), *flags, *takes, *about]
                lines.append(" ".join(parts))
    return "\n".join(lines)


def _offered(command: Command) -> list[str]:
    """What may follow: commands if there is none yet, options, and values of its argument."""
    flags = [flag for one in command.options for flag in one.flags]
    values = [value for one in command.options if not one.flags for value in one.choices]
    commands = [] if command.name else [one.name for one in all_commands()[1:]]
    return [*commands, *values, *flags]


def _takes_folder(command: Command) -> bool:
    """Whether an argument of it is a folder. A folder alone is for the window."""
    return not command.name or any(one.is_folder for one in command.options if not one.flags)


def _words(words: Iterable[str]) -> str:
    return shlex.quote(" ".join(words))


def _zsh(one: Option) -> str:
    """What _arguments of zsh reads."""
    value = f"({' '.join(one.choices)})" if one.choices else "_files -/" * one.is_folder
    value = "_files" if one.is_file else value
    value = f":{one.takes.lower()}:{value or ' '}" if one.takes else ""
    if not one.flags:
        return shlex.quote(f"*{value}")
    about = one.does.replace("[", "(").replace("]", ")")
    return " ".join(shlex.quote(f"{flag}[{about}]{value}") for flag in one.flags)


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
