"""Measure the table in README.md and write it there, between its two markers.

    python bench/readme.py [--check]

Each row: fit with the defaults at the given latent size on the training part, mean error on held-out rows beside PCA's at
the same size (both clamped to the range seen in training), and the seconds of the fit. MNIST and Fashion-MNIST: the last
10,000 training images are held out and the test images stay unseen; ECG and digits: a fifth of the rows. ``--check`` only
says whether the table's data sets are at hand.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np

import isthmus
from isthmus.atomic import write_bytes

ROWS = (("digits", 16), ("ecg5000", 8), ("mnist", 36), ("mnist", 64), ("fashion-mnist", 64))
START, END = "<!-- figures: bench/readme.py -->", "<!-- end of figures -->"


def split(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Training and held-out rows, flat."""
    data = np.asarray(isthmus.datasets.load(name))
    rows = data.reshape(len(data), -1)
    if name.endswith("mnist"):
        return rows[:50_000], rows[50_000:]
    order = np.random.default_rng(0).permutation(len(rows))
    cut = len(rows) * 4 // 5
    return rows[order[:cut]], rows[order[cut:]]


def measured(name: str, latent_dim: int) -> str:
    """One row of the table."""
    train, test = split(name)
    start = time.perf_counter()
    model = isthmus.Autoencoder(latent_dim, network="dense", random_state=0).fit(train)
    seconds = time.perf_counter() - start
    found = model.compare(test)
    pca, ours = (100 * found[key] for key in ("pca_error", "error"))
    size = f"{train.shape[0]:,} x {train.shape[1]}"
    return f"| {name} | {size} | {latent_dim} | {pca:.1f} % | **{ours:.1f} %** | {ours / pca:.2f} | {seconds:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    os.environ.setdefault("ISTHMUS_DATA", "../shared/data")
    if args.check:
        print([name for name, _ in ROWS if isthmus.datasets.find(name)])
        return
    head = "| data | rows | latent | PCA leaves | isthmus leaves | ratio | seconds |\n| --- | --- | --- | --- | --- | --- | --- |"
    table = "\n".join([head, *(measured(name, size) for name, size in ROWS)])
    readme = Path(__file__).resolve().parent.parent / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    write_bytes(readme, f"{before}{START}\n{table}\n{END}{after}".encode())
    print(table)


if __name__ == "__main__":
    main()
