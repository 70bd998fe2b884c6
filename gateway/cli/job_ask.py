"""Questions on a terminal: each with a default, an answer that can't be is said and asked again, `<` goes back."""

import os
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import TypeVar

import typer

from gateway.core.errors import GatewayError

T = TypeVar("T")
BACK, NONE = "<", "-"


class Back(Exception):
    """To the question before."""


class Cancelled(Exception):
    """Nothing is to be made."""


def tell(text: str) -> None:
    """What a question means, or what is wrong with an answer; a terminal would break it within words."""
    try:
        width = os.get_terminal_size(sys.stdout.fileno()).columns
    except OSError:
        width = 0
    lines = textwrap.wrap(text, width - 2, break_long_words=False, break_on_hyphens=False) if width > 40 else [text]
    for line in lines:
        typer.echo(f"  {line}")


def ask(question: str, default: str, read: Callable[[str], T], *, hint: str = "") -> T:
    """The answer as `read` makes it; Enter takes the default.  Raises Back, Cancelled at the end of the input."""
    shown = f" [{default}]" if default else ""
    if hint:
        tell(hint)
    while True:
        text = _line(f"{question}{shown}: ")
        if text == BACK:
            raise Back
        try:
            return read(text or default)
        except (GatewayError, ValueError) as problem:
            tell(str(problem))


def ask_text(question: str, default: str = "", *, hint: str = "", required: str = "") -> str:
    """Any text; `-` for none; `required` says why there must be one."""

    def read(text: str) -> str:
        if not text and required:
            raise ValueError(required)
        return "" if text == NONE else text

    return ask(question, default, read, hint=hint)


def ask_choice(question: str, choices: Sequence[str], default: str, *, hint: str = "") -> str:
    """One of some words, or its number or beginning; capitals don't count where no word is exactly that."""

    def read(text: str) -> str:
        if text.isdecimal() and 1 <= int(text) <= len(choices):
            return choices[int(text) - 1]
        word = text.lower()
        found = [one for one in choices if one == text] or [one for one in choices if one.lower() == word]
        found = found or [one for one in choices if word and one.lower().startswith(word)]
        if len(found) != 1:
            raise ValueError(f"{text!r} is none of them; choose {', '.join(choices)}")
        return found[0]

    return ask(f"{question} ({', '.join(choices)})", default, read, hint=hint)


def ask_number(question: str, default: int, least: int, most: int) -> int:
    """A whole number."""

    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ValueError(f"{text!r}: write a number from {least} to {most}")
        return int(text)

    return ask(question, str(default), read)


def ask_yes(question: str, *, default: bool) -> bool:
    """Yes or no."""

    def read(text: str) -> bool:
        word = text.strip().lower()
        if word not in ("y", "yes", "n", "no"):
            raise ValueError("answer y or n")
        return word.startswith("y")

    return ask(f"{question} (y/n)", "y" if default else "n", read)


def _line(prompt: str) -> str:
    try:
        return input(prompt).strip()
    except EOFError:
        raise Cancelled from None
