"""How long it takes until something happens: importing isthmus, and the first words of its command line.

    python bench/startup.py [--rounds 7]

Medians of fresh processes, each beside a Python that does nothing, in turn; Python may keep compiled modules, as it does for
people, even where the environment forbids it. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import isthmus

GOALS = {"import isthmus": 0.05, "isthmus --help": 0.3, "isthmus inspect": 0.3}
"""Seconds; that of the import is over the Python that does nothing."""


def seconds_of(command: list[str]) -> float:
    """Seconds of one process."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, capture_output=True, env=environment)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        model, rows, scores = (str(Path(temporary) / name) for name in ("m.safetensors", "rows.csv", "scores.csv"))
        X = np.random.default_rng(0).normal(size=(500, 8))
        isthmus.Autoencoder(3, max_epochs=2, random_state=0, progress=False).fit(X).save(model)
        np.savetxt(rows, X[:10], delimiter=",", header=",".join("abcdefgh"), comments="")
        commands = {
            "python": ["-c", "pass"],
            "import isthmus": ["-c", "import isthmus"],
            "isthmus --help": ["-m", "isthmus", "--help"],
            "isthmus inspect": ["-m", "isthmus", "inspect", model],
            "import torch": ["-c", "import torch"],
            "import sklearn.base": ["-c", "import sklearn.base"],
            "isthmus score, 10 rows": ["-m", "isthmus", "score", model, rows, "--output", scores],
        }
        found: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(args.rounds + 1):  # the first reads the disk
            for name, command in commands.items():
                Path(scores).unlink(missing_ok=True)
                found[name].append(seconds_of(command))
    medians = {name: statistics.median(seconds[1:]) for name, seconds in found.items()}
    bare = medians["python"]
    for name, seconds in medians.items():
        over = seconds - bare if name == "import isthmus" else seconds
        goal = f"   goal {GOALS[name]:.2f} s: {'reached' if over <= GOALS[name] else 'missed'}" if name in GOALS else ""
        print(f"{name:24} {seconds:6.2f} s, {seconds - bare:5.2f} s over Python{goal}")
    print(json.dumps(medians))


if __name__ == "__main__":
    main()
