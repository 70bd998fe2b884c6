"""A trigger's command as SYSTEM or RSYSTEM: its line, folder, environment, time limit and exit codes."""

import math
import re
from collections.abc import Iterator
from datetime import timedelta

from gateway.core.model import Span
from gateway.jobs.model import Machine, Trigger, Words
from gateway.language.nodes import CodeRange, Program, RemoteSystem, System, Text

_PLAIN = re.compile(r"[\w@%+=:,./-]+")
_IN_DOUBLE = re.compile(r'["$`\\!]')
_VARIABLE = re.compile(r"[^A-Za-z0-9_]")


class BadCommand(ValueError):
    """A command that no line can say; says what to write instead."""


def program(trigger: Trigger, machine: Machine, span: Span, *, job: str, role: str, is_here: bool) -> Program | None:
    """The command of a trigger at a place, None where it has none for that platform.  Raises BadCommand.

    `role` is RW at the source, RO at a destination.  `is_here`: this machine runs it.
    """
    words = trigger.commands.get(machine.platform)
    if words is None:
        return None
    node = System if is_here else RemoteSystem
    folder = machine.command_folder
    return node(
        span=trigger.span,
        line=Text(command_line(words, machine.platform), trigger.span),
        success_codes=tuple(CodeRange(low, high) for low, high in trigger.ok_codes),
        again_codes=tuple(CodeRange(low, high) for low, high in trigger.again_codes),
        timeout=timedelta(seconds=max(1, math.ceil(trigger.timeout.total_seconds()))),
        folder=Text(folder, span) if folder else None,
        environment=tuple((name, Text(value, span)) for name, value in _environment(job, role, machine)),
    )


def command_line(words: Words, platform: str) -> str:
    """One line that reads back as these words, for our splitter and for the shell.  Raises BadCommand."""
    if isinstance(words, str):
        return _one_line(words)
    return " ".join(_quoted(word, platform) for word in words)


def _one_line(text: str) -> str:
    if "\n" in text or "\r" in text:
        raise BadCommand(f"{text!r} holds a line end; write one line, or put the lines into a script of their own")
    return text


def _quoted(word: str, platform: str) -> str:
    _one_line(word)
    if _PLAIN.fullmatch(word):
        return word
    if "'" not in word and platform != "windows":
        return f"'{word}'"
    if not _IN_DOUBLE.search(word) or (platform == "windows" and '"' not in word):
        return f'"{word}"'
    raise BadCommand(f"{word!r} holds quotes of both kinds; put the command into a script of its own and name that")


def _environment(job: str, role: str, machine: Machine) -> Iterator[tuple[str, str]]:
    yield "JOB_NAME", job
    yield "JOB_PATH", machine.command_folder or "."
    yield "JOB_ROLE", role
    yield "JOB_START_TIME", "%job_start%"
    yield "JOB_RUN_ID", "%job_run%"
    yield "JOB_OK", "%job_ok%"
    yield "JOB_FAILED", "%job_failed%"
    for tag, value in sorted(machine.tags.items()):
        yield f"TAG_{_VARIABLE.sub('_', tag).upper()}", _sayable(tag, value)


def _sayable(name: str, value: str) -> str:
    if "\n" in value or ("'" in value and '"' in value):
        raise BadCommand(f"{name}: {value!r} holds both kinds of quote, or a line end; change the tag or the folder")
    return value
