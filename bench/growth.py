"""How time and memory grow with rows, columns and latent size.

    python bench/growth.py [--most-rows 10000000] [--most-columns 4096]

Each cell is a process of its own that makes its rows (float32), then fits one pass (batches of 256, no PCA to start at where that
would be the larger part is left as it is) or scores them all. Memory is the peak of the process over what it held before the call,
rows included in that: what is left is what isthmus needs beside the data. Slopes are those of the logarithms of seconds against
the logarithms of the size, over the upper cells (1: linear). The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from typing import Any

import numpy as np
from peers import answer

ROWS, COLUMNS, LATENTS = (
    (1_000, 10_000, 100_000, 1_000_000, 10_000_000),
    (8, 32, 128, 512, 1024, 4096),
    (1, 2, 4, 8, 16, 32),
)
AT_ROWS, AT_COLUMNS, AT_LATENT, HIDDEN = 100_000, 32, 8, (64,)
OVERHEAD_MIB = 300


def cell(what: str, rows: int, columns: int, latent: int) -> dict[str, float]:
    """Seconds and MiB of one fit or one scoring, in this process."""
    import isthmus

    generator = np.random.default_rng(0)
    X = generator.standard_normal((rows, columns), dtype=np.float32)
    settings: dict[str, Any] = {"hidden_dims": HIDDEN, "network": "dense", "random_state": 0, "progress": False}
    model = isthmus.Autoencoder(latent, max_epochs=1, batch_size=256, **settings)
    model.fit(X[:1_000])  # whatever is loaded once
    if what == "score":
        model.score_samples(X[:1_000])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    model.fit(X) if what == "fit" else model.score_samples(X)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "mib": (after - before) / 1024}


def run(what: str, rows: int, columns: int, latent: int) -> dict[str, float]:
    """The same in a fresh process."""
    command = [sys.executable, __file__, "--cell", what, str(rows), str(columns), str(latent)]
    found: dict[str, float] | None = answer(command)
    if found is None:
        raise SystemExit(f"isthmus or a library that it needs is not installed for {sys.executable}")
    return found


def slope(sizes: list[int], found: list[dict[str, float]], last: int = 3) -> float:
    """Slope of log seconds against log size over the ``last`` largest sizes."""
    seconds = [cell["seconds"] for cell in found]
    return float(np.polyfit(np.log(sizes[-last:]), np.log(seconds[-last:]), 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most-rows", type=int, default=ROWS[-1])
    parser.add_argument("--most-columns", type=int, default=COLUMNS[-1])
    parser.add_argument("--cell", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.cell:
        print(json.dumps(cell(args.cell[0], *map(int, args.cell[1:]))))
        return
    axes = {
        "rows": [(n, (n, AT_COLUMNS, AT_LATENT)) for n in ROWS if n <= args.most_rows],
        "columns": [(n, (AT_ROWS // 10, n, AT_LATENT)) for n in COLUMNS if n <= args.most_columns],
        "latent size": [(n, (AT_ROWS, AT_COLUMNS, n)) for n in LATENTS],
    }
    whole: dict[str, Any] = {}
    for what in ("fit", "score"):
        for axis, sizes in axes.items():
            found = [run(what, *shape) for _, shape in sizes]
            for (size, _), values in zip(sizes, found, strict=True):
                print(f"{what:6} {axis:12} {size:12,} {values['seconds']:9.3f} s {values['mib']:8.0f} MiB", flush=True)
            rise = slope([size for size, _ in sizes], found)
            most = max(values["mib"] for values in found)
            fine = "within" if most <= OVERHEAD_MIB else "over"
            print(
                f"{what:6} {axis:12} slope {rise:.2f}; at most {most:.0f} MiB beside the data ({fine} {OVERHEAD_MIB})"
            )
            whole[f"{what} {axis}"] = {"sizes": [s for s, _ in sizes], "cells": found, "slope": rise, "most_mib": most}
    print(json.dumps(whole))


if __name__ == "__main__":
    main()
