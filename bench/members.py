"""Members trained as one against as many networks one after the other: seconds, and held-out error.

    python bench/members.py [--rows 4000] [--columns 32] [--latent 4] [--members 1,2,4,8,16] [--epochs 20]

The rows are made here: a curved surface of 4 dimensions in the columns, with noise. Both ensembles answer with the mean of
their reconstructions; the error is that of 1,000 rows that no fit has seen (1 = the best constant guess). Both ways are fitted
right after each other, so that a busy machine slows both. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import torch

import isthmus

NEW = 1_000


def surface(n: int, columns: int, seed: int = 0) -> np.ndarray:
    """Rows on a curved surface of 4 dimensions, with noise, (n, columns)."""
    draw = np.random.default_rng(0)
    into, shift, across = draw.normal(size=(4, 64)), draw.uniform(0, 6.28, 64), draw.normal(size=(64, columns)) / 8
    rows = np.random.default_rng([1, seed])
    smooth = np.sin(rows.normal(size=(n, 4)) @ into * 0.7 + shift) @ across
    return (smooth + 0.1 * rows.normal(size=(n, columns))).astype(np.float32)


def as_one(train: np.ndarray, size: int, epochs: int, members: int) -> list[isthmus.Autoencoder]:
    """One estimator with so many members."""
    return [isthmus.Autoencoder(size, members=members, max_epochs=epochs, random_state=0).fit(train)]


def one_by_one(train: np.ndarray, size: int, epochs: int, members: int) -> list[isthmus.Autoencoder]:
    """So many estimators of one member each, with seeds of their own."""
    return [isthmus.Autoencoder(size, max_epochs=epochs, random_state=seed).fit(train) for seed in range(members)]


def error_of(models: list[isthmus.Autoencoder], new: np.ndarray) -> float:
    """Share of the variance that the mean of the reconstructions leaves unexplained."""
    mean = np.mean([model.reconstruct(new) for model in models], axis=0)
    return float(((mean - new) ** 2).mean() / ((new - new.mean(axis=0)) ** 2).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=4_000)
    parser.add_argument("--columns", type=int, default=32)
    parser.add_argument("--latent", type=int, default=4)
    parser.add_argument("--members", default="1,2,4,8,16")
    parser.add_argument("--epochs", type=int, default=20)
    args = parser.parse_args()
    train, new = surface(args.rows, args.columns), surface(NEW, args.columns, seed=1)
    as_one(train[:200], args.latent, 1, 2)  # whatever is loaded once
    found = []
    print(f"{'members':>7} {'as one':>9} {'in turn':>9} {'times':>6}   {'error as one':>12} {'in turn':>8}")
    for members in (int(n) for n in args.members.split(",")):
        seconds: dict[str, float] = {}
        errors: dict[str, float] = {}
        for way in (as_one, one_by_one):
            start = time.perf_counter()
            models = way(train, args.latent, args.epochs, members)
            seconds[way.__name__] = time.perf_counter() - start
            errors[way.__name__] = error_of(models, new)
        times = seconds["one_by_one"] / seconds["as_one"]
        print(
            f"{members:7} {seconds['as_one']:7.2f} s {seconds['one_by_one']:7.2f} s {times:5.1f}x   "
            f"{errors['as_one']:12.4f} {errors['one_by_one']:8.4f}", flush=True,
        )  # fmt: skip
        found.append({"members": members, "seconds": seconds, "times": times, "error": errors})
    shape = {"rows": args.rows, "columns": args.columns, "latent": args.latent, "threads": torch.get_num_threads()}
    print(json.dumps({**shape, "ensembles": found}))


if __name__ == "__main__":
    main()
