"""Is the autoencoder ever worse than PCA? Held-out error of both, on every data set at every latent size.

    python bench/floor.py [--rows 4000] [--seed 0] [--only NAME]

Digits, MNIST, Olivetti faces, ECG beats and the anomaly tables of the data folder (ISTHMUS_DATA), at most ROWS rows drawn
by SEED, 80 % to fit and 20 % to measure; latent sizes 1, 2, 4, ... and the largest, min(64, columns - 1). Errors are in
network units (1 = the best constant guess), both clamped alike. Goal: at most 1.01 x PCA in every cell, at most PCA in 95 %.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import isthmus

SLACK = 1e-4
"""Relative difference that float32 arithmetic makes between two ways of computing PCA's error."""


def data_sets(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Name and rows of each set."""
    yield "digits", np.asarray(isthmus.datasets.load("digits")).reshape(-1, 64)
    for name in ("mnist", "olivetti"):
        pictures = np.asarray(isthmus.datasets.load(name))
        yield name, pictures.reshape(len(pictures), -1)
    yield "ecg5000", isthmus.datasets.load("ecg5000")
    for path in sorted((folder / "adbench").glob("*.npz"), key=lambda p: int(p.stem.split("_")[0])):
        with np.load(path) as arrays:
            yield path.stem, arrays["X"]


def latent_sizes(columns: int) -> list[int]:
    """1, 2, 4, ... and the largest."""
    largest = max(1, min(64, columns - 1))
    return sorted({*(2**i for i in range(7) if 2**i <= largest), largest})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    warnings.simplefilter("ignore", isthmus.IsthmusWarning)
    folder = Path(os.environ.setdefault("ISTHMUS_DATA", "../shared/data"))
    cells: list[tuple[str, int, float]] = []
    for name, rows in data_sets(folder):
        if args.only not in name:
            continue
        order = np.random.default_rng(args.seed).permutation(len(rows))[: args.rows]
        cut = len(order) * 4 // 5
        train, test = rows[order[:cut]], rows[order[cut:]]
        start, words = time.perf_counter(), []
        for size in latent_sizes(rows.shape[1]):
            found = isthmus.Autoencoder(size, network="dense", random_state=args.seed).fit(train).compare(test)
            # Where PCA leaves nothing but rounding, there is nothing to divide by.
            ratio = found["error"] / found["pca_error"] if found["pca_error"] > 1e-9 else 1.0
            cells.append((name, size, ratio))
            words.append(f"{size}: {ratio:.3f}")
        print(
            f"{name:16} {train.shape[0]:>5} x {rows.shape[1]:<5} {'  '.join(words)}  ({time.perf_counter() - start:.0f} s)",
            flush=True,
        )
    ratios = np.array([ratio for *_, ratio in cells])
    summary = {
        "cells": len(cells),
        "at_most_pca": float((ratios <= 1 + SLACK).mean()),
        "worst": float(ratios.max()),
        "above_1.01": [cell for cell in cells if cell[2] > 1.01],
        "geometric_mean": float(np.exp(np.log(np.maximum(ratios, 1e-12)).mean())),
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
