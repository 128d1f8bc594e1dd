"""What checkpoints cost: the same fit with and without a run directory, in turn.

    python bench/checkpoint.py [--rows 60000] [--epochs 6] [--rounds 3] [--seconds 30 2 0.5]

A network of 784-1024-512-64-512-1024-784 on MNIST-sized rows of noise (3 million weights, so a checkpoint is 48 MB), at the
default of 30 seconds between checkpoints and at less. The share is that of the seconds beyond those without. "Saved" counts
checkpoints, and a fit shorter than the interval has the last one alone. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from typing import Any
from unittest import mock

import numpy as np

import isthmus
from isthmus.files.run_folder import RunFolder

NETWORK = {
    "encoder": ["dense 1024 relu", "dense 512 relu", "dense 64"],
    "decoder": ["dense 512 relu", "dense 1024 relu", "dense 784"],
}


def timed(X: np.ndarray, epochs: int, **settings: Any) -> tuple[float, int]:
    """Seconds of a fit, and how many checkpoints it wrote."""
    saved = []
    save = RunFolder.save

    def counted(folder: RunFolder, *args: Any) -> None:
        saved.append(1)
        save(folder, *args)

    model = isthmus.Autoencoder(
        network=NETWORK, max_epochs=epochs, batch_size=256, random_state=0, progress=False, patience=None, **settings
    )
    with mock.patch.object(RunFolder, "save", counted):
        start = time.perf_counter()
        model.fit(X)
        return time.perf_counter() - start, len(saved)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, nargs="*", default=[30.0, 2.0, 0.5])
    args = parser.parse_args()
    X = np.random.default_rng(0).random((args.rows, 784), dtype=np.float32)
    timed(X[:2_000], 1)
    found: dict[str, list[float]] = {str(seconds): [] for seconds in args.seconds}
    for _ in range(args.rounds):
        plain, _ = timed(X, args.epochs)
        for seconds in args.seconds:
            with tempfile.TemporaryDirectory() as folder:
                took, saved = timed(X, args.epochs, run_dir=folder, checkpoint_seconds=seconds)
            found[str(seconds)].append(took / plain - 1)
            print(
                f"every {seconds:4.1f} s: {took:6.1f} s, {saved:2} saved; without {plain:6.1f} s: {took / plain - 1:+.1%}",
                flush=True,
            )
    shares = {name: statistics.median(values) for name, values in found.items()}
    print("median: " + ", ".join(f"{share:+.1%} at {name} s" for name, share in shares.items()))
    print(json.dumps({"share": shares}))


if __name__ == "__main__":
    main()
