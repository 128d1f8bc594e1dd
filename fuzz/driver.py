"""Runs a fuzz target: with atheris, guided by coverage, where it is installed, else with a small mutator of its own.

A target is a function from bytes to nothing. It fails if anything but a `UserError` (or `NotStrictError`, from JSON)
comes out of it, or if one input takes more than `MAX_SECONDS`. The input that failed is kept in a file, which is named;
``python fuzz/fuzz_csv.py FILE`` runs it again.

Unusual: time is that of the processor, all threads together, so a busy machine makes no findings.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

try:
    import atheris
except ImportError:  # no build for this Python or system
    atheris = None

MAX_SECONDS = 1.0  # of processor time, for one input
MAX_BYTES = 4096
CORPUS = Path(__file__).parent / "corpus"

_MEMORY = Path("/dev/shm")
_TOKENS = (
    b"\0",
    b"\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff",
    b'"',
    b",",
    b"\n",
    b"{",
    b"[",
    b"1e999",
    b"-1",
    b"nan",
)

Target = Callable[[bytes], None]


def instrumented() -> contextlib.AbstractContextManager[Any]:
    """Where a target imports what it tests, so that atheris sees which lines run."""
    if atheris is None:
        return contextlib.nullcontext()
    return atheris.instrument_imports(include=["isthmus.data", "isthmus.files", "json", "csv"])


def scratch_file(name: str) -> Path:
    """A place for the one file that a target reads, in memory where the system has a folder for that."""
    folder = tempfile.mkdtemp(prefix="isthmus-fuzz-", dir=_MEMORY if _MEMORY.is_dir() else None)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder, name)


def main(target: Callable[[bytes], object], allowed: tuple[type[Exception], ...]) -> None:
    """Run a target as the command line says; the name of the script names its corpus."""
    name = Path(sys.argv[0]).stem.removeprefix("fuzz_")
    parser = argparse.ArgumentParser(description=f"Fuzz target {name}.")
    parser.add_argument("files", nargs="*", type=Path, help="inputs to run once, instead of fuzzing")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument(
        "--own", action="store_true", help="use the mutator of this project even where atheris is there"
    )
    arguments = parser.parse_args()
    if arguments.files:
        for file in arguments.files:
            _checked(target, allowed)(file.read_bytes())
    elif atheris is None or arguments.own:
        _mutate(_checked(target, allowed), name, arguments.seconds)
    else:
        _guided(_checked(target, allowed), name, arguments.seconds)


def _checked(target: Callable[[bytes], object], allowed: tuple[type[Exception], ...]) -> Target:
    def run(data: bytes) -> None:
        start = time.process_time()
        try:
            target(data)
        except allowed as error:
            if not str(error) or "\n" in str(error):
                raise AssertionError(f"the message is not one line: {error!r}") from error
        taken = time.process_time() - start
        if taken > MAX_SECONDS:
            raise AssertionError(f"one input took {taken:.2f} s of processor time, at most {MAX_SECONDS} s are allowed")

    return run


def _failures(name: str) -> Path:
    folder = Path(tempfile.gettempdir(), "isthmus-fuzz", name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _guided(run: Target, name: str, seconds: int) -> None:
    grown = scratch_file("corpus")
    grown.mkdir()
    options = [
        f"-max_total_time={seconds}", f"-max_len={MAX_BYTES}", "-timeout=20", "-rss_limit_mb=4096", "-print_final_stats=1",
        f"-artifact_prefix={_failures(name)}/",
    ]  # fmt: skip
    child = os.fork()  # libFuzzer ends its process without Python's leave, so this one stays to tidy up
    if child:
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    atheris.Setup([sys.argv[0], *options, str(grown), str(CORPUS / name)], run)
    atheris.Fuzz()


def _mutate(run: Target, name: str, seconds: int) -> None:
    chance = random.Random(time.time_ns())
    corpus = [file.read_bytes() for file in sorted((CORPUS / name).iterdir())]
    end, runs = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = _mutated(chance, corpus)
        try:
            run(data)
        except BaseException:
            file = _failures(name) / f"failure-{runs}"
            file.write_bytes(data)
            print(f"{name}: input {runs:,} failed; it is in {file}", file=sys.stderr)
            raise
        runs += 1
    print(f"{name}: {runs:,} inputs in {seconds} s, none failed")


def _mutated(chance: random.Random, corpus: list[bytes]) -> bytes:
    data = bytearray(chance.choice(corpus))
    for _ in range(chance.randint(1, 6)):
        place, other = chance.randint(0, len(data)), chance.choice(corpus)
        length = chance.choice((0, 1, 1, 2, 4, 8, 64))
        new = chance.choice(
            (
                chance.randbytes(length),
                chance.choice(_TOKENS),
                other[(start := chance.randint(0, len(other))) : start + length],
                bytes(data[place : place + 1]).translate(bytes(range(1, 256)) + b"\0"),
                b"",
            )
        )
        data[place : place + chance.choice((0, len(new), length))] = new
    return bytes(data[:MAX_BYTES])
