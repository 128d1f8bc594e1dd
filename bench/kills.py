"""Kills: a fit with a checkpoint after every step is killed at a call of the file layer or at any time, and run again.

    python bench/kills.py [--points 140] [--times 60] [--seed 0]

``--points`` calls of the file layer (write, fsync, rename, mkdir, remove), evenly spread over the whole fit, each with the kill
just before, just after, and for writes in the middle; ``--times`` kills by the clock. Then the same fit once more: its model must
have the SHA-256 of a fit that nothing happened to. Also counted: how often it went on from a checkpoint, as it would also be the
same without. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "faults"))

from fits import Fits  # it lies beside the tests that use it too


def orders(made: list[str], seconds: float, args: argparse.Namespace) -> list[dict[str, Any]]:
    """What is to go wrong, one kill each."""
    draw = random.Random(args.seed)
    every = [1 + round(place * (len(made) - 1) / max(1, args.points - 1)) for place in range(args.points)]
    found: list[dict[str, Any]] = []
    for at in every:
        whens = ("before", "after", "middle") if made[at - 1] == "write" else ("before", "after")
        found += [{"at": at, "when": when, "do": "kill"} for when in whens]
    return found + [{"alarm": draw.uniform(0.02, 0.98) * seconds} for _ in range(args.times)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=140)
    parser.add_argument("--times", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    fits, kills, went_on, different = Fits(), 0, 0, []
    with tempfile.TemporaryDirectory() as folder:
        fits.run(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        plain = fits.run(Path(folder))
        seconds = time.monotonic() - start
    todo = orders(plain["made"], seconds, args)
    for number, order in enumerate(todo):
        with tempfile.TemporaryDirectory() as folder:
            if fits.run(Path(folder), **order)["ended"] not in (-signal.SIGKILL, -signal.SIGALRM):
                continue  # it was done before its time had come
            kills += 1
            again = fits.run(Path(folder))
            went_on += again.get("resumed_from", 0) > 0
            if again.get("sha256") != plain["sha256"]:
                different.append({**order, **again})
        if sys.stderr.isatty():
            print(f"\r{number + 1} of {len(todo)}", end="", file=sys.stderr)
    fits.close()
    calls = len(plain["made"])
    print(f"{kills} kills over {args.points} of {calls} calls of the file layer and {args.times} random times")
    print(f"went on from a checkpoint: {went_on}; another model: {len(different)}")
    for one in different:
        print(one)
    print(json.dumps({"kills": kills, "calls": calls, "went_on": went_on, "different": len(different)}))
    sys.exit(bool(different) or kills < 1)


if __name__ == "__main__":
    main()
