"""The ``isthmus`` command: arguments go in, an exit code comes out.

0 done; 2 the caller's input is wrong (one line, no traceback); 1 our bug; 75 the run directory is in use; 130 and 143
stopped by a signal; 141 nobody reads the output any more. Verbs are imported when they are asked for, and import what is
heavy when they run.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import importlib
import io
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

import click

from isthmus.errors import InternalError, IsthmusWarning, RunBusyError, UserError
from isthmus.shell import terminal
from isthmus.version import __version__

VERBS = (
    "demo", "recipe", "fit", "encode", "decode", "reconstruct", "denoise", "detect", "explain", "score", "probe", "map",
    "similar", "report", "inspect", "datasets",
)  # fmt: skip
BUG, WRONG_INPUT, BUSY, NO_READER = 1, 2, 75, 141

_OF_THE_SYSTEM = {
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EROFS", "EIO", "ENAMETOOLONG", "ELOOP", "EMFILE", "ENFILE")
    if hasattr(errno, name)
}
"""What a disk, a path or a limit does to us wherever we meet it: no bug of ours."""


class Stopped(BaseException):
    """A signal asked us to stop. No KeyboardInterrupt: that would end a fit early and save it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


class Verbs(click.Group):
    """The verbs, each imported when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the verbs in the order in which a newcomer meets them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"isthmus.shell.commands.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; an unknown one is an error that offers the nearest."""
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            near = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(VERBS)}."
            raise click.UsageError(f"There is no command {args[0]!r}. {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.command(
    "isthmus", cls=Verbs, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, package_name="isthmus", prog_name="isthmus")
@click.pass_context
def cli(context: click.Context) -> None:
    """Autoencoders for tables and pictures as they are, with PCA beside every result.

    Start with "isthmus demo", or with your own data: "isthmus fit data.csv -o model.safetensors".
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main() -> None:
    """Run the command line with the arguments of the process, and end the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal's encoding lacks must not end in an error.
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str
        What stands behind ``isthmus``.

    Returns
    -------
    int
        The exit code; what went wrong has been printed.
    """
    with _signals(), _notes():
        try:
            return _invoke(list(arguments))
        except Stopped as stop:
            with contextlib.suppress(OSError):
                terminal.say("isthmus: stopped; nothing half-written was left.", err=True)
            return stop.exit_code
        except BrokenPipeError:
            _silence()
            return NO_READER
        except Exception as error:  # noqa: BLE001  # the outermost edge: whatever is left is a bug, and said to be one
            return _explained(error)
        finally:
            _flush_or_silence()


def _invoke(arguments: list[str]) -> int:
    """Run one command; not by click's ``main``, which has its own ways with signals and pipes."""
    try:
        with cli.make_context("isthmus", arguments) as context:
            cli.invoke(context)
    except click.exceptions.Exit as end:  # --help and --version
        return end.exit_code
    if sys.stdout is not None:  # it was closed before we were started
        with terminal.writing():
            sys.stdout.flush()
    return 0


def _explained(error: Exception) -> int:
    """Print what went wrong; give the exit code."""
    if isinstance(error, click.UsageError):
        said, path = error.format_message(), error.ctx.command_path if error.ctx else "isthmus"
        terminal.error(f"{said}{'' if said.endswith(('.', '?')) else '.'} See: {path} --help")
    elif isinstance(error, click.ClickException):
        terminal.error(error.format_message())
    elif isinstance(error, UserError) or _is_not_fitted(error):
        terminal.error(str(error))
        return BUSY if isinstance(error, RunBusyError) else WRONG_INPUT
    elif isinstance(error, OSError) and error.errno in _OF_THE_SYSTEM:
        terminal.error(f"{error.strerror}{f': {error.filename!r:.200}' if error.filename else ''}.")
    elif _is_out_of_memory(error):
        terminal.error("there is not enough memory for this; use fewer rows, smaller pictures or a smaller network.")
    else:
        for line in "".join(traceback.format_exception(error)).splitlines():
            terminal.say(line, err=True)
        kind = "" if isinstance(error, InternalError) else f" ({type(error).__name__})"
        terminal.error(f"This is a bug in isthmus{kind}; please report it, with the lines above.")
        return BUG
    return WRONG_INPUT


def _is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out; torch has no error of its own for that on a CPU."""
    said = str(error).lower()
    torchs = isinstance(error, RuntimeError) and ("allocate memory" in said or "out of memory" in said)
    return torchs or isinstance(error, MemoryError)


def _is_not_fitted(error: Exception) -> bool:
    """Whether scikit-learn, if it is loaded at all, raised its error for models that were not fitted."""
    exceptions = sys.modules.get("sklearn.exceptions")
    return exceptions is not None and isinstance(error, exceptions.NotFittedError)


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Let SIGINT and SIGTERM raise `Stopped`, so that files being written are taken away; only the main thread may."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _notes() -> Iterator[None]:
    """Show our own warnings as notes, each once; those of other packages are for programmers, not for here."""
    seen: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if issubclass(category, IsthmusWarning) and str(message) not in seen:
            seen.add(str(message))
            terminal.note(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", IsthmusWarning)
        warnings.showwarning = show
        yield


def _flush_or_silence() -> None:
    """Write what is left for standard output; where that cannot be, Python's own last flush must not try again."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        _silence()


def _silence() -> None:
    """Point standard output, which nobody reads, at nothing, so that Python's own last flush does not complain."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
