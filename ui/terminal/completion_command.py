"""The command `completion`: prints a script with which a shell completes commands and options.

All of it comes from the parsers of the command line.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable

from roles.program.profile import Profile
from ui.exit_codes import ExitCode
from ui.terminal.arguments import all_commands
from ui.terminal.command_parser import Command, Option
from ui.terminal.output import Output


def run(args: argparse.Namespace, profile: Profile, output: Output) -> ExitCode:
    scripts = {"bash": for_bash, "zsh": for_zsh, "fish": for_fish}
    alone, *commands = all_commands()
    output.result(scripts[args.shell](alone, commands))
    return ExitCode.DONE


def for_bash(alone: Command, commands: list[Command]) -> str:
    names = [command.name for command in commands]
    everything = [option for command in (alone, *commands) for option in command.options]
    options = {flag: option for option in everything for flag in option.flags}
    folders = [flag for flag, option in options.items() if option.is_folder]
    files = [flag for flag, option in options.items() if option.is_file]
    known = {*folders, *files, *(flag for flag, option in options.items() if option.choices)}
    others = [flag for flag, option in options.items() if option.takes and flag not in known]
    with_choices = [
        f"        {flag}) _lmktorrent_words {_words(option.choices)}; return ;;"
        for flag, option in options.items()
        if option.choices
    ]
    words = [
        f"        {name}) _lmktorrent_words {_words(_offered(command))} ;;"
        for command, name in zip((alone, *commands), ("''", *names), strict=True)
    ]
    with_folder = [command.name or "''" for command in (alone, *commands) if _takes_folder(command)]
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
            *with_choices,
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
        f"            {command.name}) _arguments -s {' '.join(map(_zsh, command.options))} ;;"
        for command in commands
    ]
    named = " ".join(shlex.quote(f"{command.name}:{command.does}") for command in commands)
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
    lines += [f"{first} -a {command.name} -d {_fish(command.does)}" for command in commands]
    lines.append(f"{first} -a '(__fish_complete_directories)'")
    for command in (alone, *commands):
        name = command.name
        seen = f"__fish_seen_subcommand_from {name}" if name else "__fish_use_subcommand"
        for option in command.options:
            fields = [*_fish_flags(option), *_fish_value(option)]
            if fields:
                about = [f"-d {_fish(option.does)}"] if option.flags else []
                parts = ["complete -c lmktorrent -n", _fish(seen), *fields, *about]
                lines.append(" ".join(parts))
    return "\n".join(lines)


def _fish_flags(option: Option) -> list[str]:
    flags = option.flags
    return [f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in flags]


def _fish_value(option: Option) -> list[str]:
    """What may follow the option, or stand alone; nothing if anything may."""
    if option.is_file:
        return ["-r -F"]
    exclusive = "-x " if option.flags else ""
    values = "(__fish_complete_directories)" if option.is_folder else " ".join(option.choices)
    if values:
        return [f"{exclusive}-a {_fish(values)}"]
    return ["-x"] if option.flags and option.takes else []


def _offered(command: Command) -> list[str]:
    """What may follow: commands if there is none yet, options, and values of its argument."""
    flags = [flag for option in command.options for flag in option.flags]
    arguments = [option for option in command.options if not option.flags]
    values = [value for argument in arguments for value in argument.choices]
    commands = [] if command.name else [known.name for known in all_commands()[1:]]
    return [*commands, *values, *flags]


def _takes_folder(command: Command) -> bool:
    """Whether an argument of it is a folder. A folder alone is for the window."""
    return not command.name or any(
        option.is_folder for option in command.options if not option.flags
    )


def _words(words: Iterable[str]) -> str:
    return shlex.quote(" ".join(words))


def _zsh(option: Option) -> str:
    """What _arguments of zsh reads."""
    value = f"({' '.join(option.choices)})" if option.choices else "_files -/" * option.is_folder
    value = "_files" if option.is_file else value
    value = f":{option.takes.lower()}:{value or ' '}" if option.takes else ""
    if not option.flags:
        return shlex.quote(f"*{value}")
    about = option.does.replace("[", "(").replace("]", ")")
    return " ".join(shlex.quote(f"{flag}[{about}]{value}") for flag in option.flags)


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
