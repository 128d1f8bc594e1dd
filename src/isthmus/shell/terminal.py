"""What the command line prints: one plain line at a time, with nothing in it that could steer a terminal.

Names of columns and files come from strangers, so every control character (and every invisible or direction-changing
one) is shown escaped. Results go to standard output, notes and errors to standard error. Colours appear on a terminal
only, and never where NO_COLOR is set.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from isthmus.errors import OutputError


def clean(text: str) -> str:
    r"""Give ``text`` with each character that is not printable escaped.

    >>> clean("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def one_line(text: str) -> str:
    r"""Give ``text`` as one clean line.

    >>> one_line("first,\n  second")
    'first, second'
    """
    return clean(" ".join(text.split()))


def say(text: str = "", *, err: bool = False, bold: bool = False, color: str | None = None) -> None:
    """Print one line, on standard error if ``err``."""
    line = clean(text)
    styled = click.style(line, bold=bold or None, fg=color) if line and (bold or color) else line
    _echo(styled, err=err)


def note(text: str) -> None:
    """Print something worth knowing, on standard error."""
    _flagged("note", "cyan", text)


def error(text: str) -> None:
    """Print what went wrong, on standard error."""
    _flagged("error", "red", text)


def pairs(rows: Iterable[tuple[str, str]], *, err: bool = False) -> None:
    """Print names and values in two aligned columns."""
    listed = [(clean(name), value) for name, value in rows]
    width = max((len(name) for name, _ in listed), default=0)
    for name, value in listed:
        say(f"  {name:<{width}}  {value}".rstrip(), err=err)


def grid(header: Sequence[str], rows: Iterable[Sequence[str]], *, err: bool = False) -> None:
    """Print a table; columns are as wide as their widest cell."""
    listed = [[clean(cell) for cell in row] for row in rows]
    widths = [max(len(cells[place]) for cells in [list(header), *listed]) for place in range(len(header))]
    for place, cells in enumerate([list(header), *listed]):
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
        say(f"  {line}".rstrip(), err=err, bold=place == 0)


def say_json(value: Any) -> None:
    """Print one JSON value on one line; a number that JSON does not have becomes null."""
    _echo(json.dumps(_finite(value), allow_nan=False))


def suggest(*commands: Sequence[str], err: bool = False) -> None:
    """Print commands to type next, each a verb and its arguments, quoted for a shell."""
    say("next:", err=err, bold=True)
    for words in commands:
        say(f"  {program()} {shlex.join(words)}", err=err)


def program() -> str:
    """Give what to type to start isthmus here: its name where that is on the path, else how it was started now."""
    if shutil.which("isthmus"):
        return "isthmus"
    if os.path.basename(sys.argv[0]) == "isthmus" and os.path.isfile(sys.argv[0]):
        return shlex.quote(os.path.relpath(sys.argv[0]))
    return f"{shlex.quote(os.path.basename(sys.executable))} -m isthmus"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _flagged(word: str, color: str, text: str) -> None:
    lead = click.style(f"isthmus: {word}:", fg=color)
    _echo(f"{lead} {one_line(text)}", err=True)


def _echo(line: str, *, err: bool = False) -> None:
    """Print a line; `OutputError` where it cannot be written, as on a full disk."""
    with writing():
        click.echo(line, err=err, color=False if _plain() else None)


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """Turn what the system says of a standard output that cannot be written into an `OutputError`."""
    try:
        yield
    except BrokenPipeError:
        raise  # nobody reads any more, which is no error
    except OSError as error:
        raise OutputError(f"Cannot write to standard output: {error.strerror or error}.") from error


def _plain() -> bool:
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
