"""Seconds to an error: how long isthmus takes to be as good on held-out rows as PyOD's AutoEncoder is after ten epochs.

    python bench/to_error.py [--rows 50000] [--rounds 3] [--python FILE]

Rows of 32 columns that lie near a curved surface of 8 dimensions. PyOD has its default network with 8 units in the middle, its
batch and ten epochs; isthmus 8 latents and everything else as it comes, but for the number of passes: the fewest of 1, 2, 4, 8,
16 after which the mean squared error of the validation rows (5,000 others, columns of variance 1) is PyOD's or less. Both times
are whole fits. PCA with 8 components stands beside them. ``--python`` names the interpreter that has PyOD. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from typing import Any

import numpy as np
from ceilings import ceilings, in_words
from peers import answer
from sklearn.decomposition import PCA

import isthmus

COLUMNS, LATENTS, VALIDATION = 32, 8, 5_000
PASSES = (1, 2, 4, 8, 16)
PYOD = """
import json, sys, time, warnings; warnings.filterwarnings("ignore")
sys.path.insert(0, "bench")
import numpy as np
from to_error import rows
from pyod.models.auto_encoder import AutoEncoder
train, other = rows(int(sys.argv[1]))
start = time.perf_counter()
model = AutoEncoder(hidden_neuron_list=[64, 8], epoch_num=10, verbose=0).fit(train)
seconds = time.perf_counter() - start
print(json.dumps([seconds, float((model.decision_function(other) ** 2).mean() / train.shape[1])]))
"""


def rows(n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and validation rows, each column of mean 0 and variance 1 on the first."""
    rng = np.random.default_rng(0)
    bend, out = rng.normal(size=(LATENTS, 24)), rng.normal(size=(24, COLUMNS))
    z = rng.normal(size=(n_rows + VALIDATION, LATENTS))
    X = np.tanh(0.6 * z @ bend) @ out + 0.3 * rng.normal(size=(len(z), COLUMNS))
    X = (X - X[:n_rows].mean(axis=0)) / X[:n_rows].std(axis=0)
    return X[:n_rows].astype(np.float32), X[n_rows:].astype(np.float32)


def fitted(train: np.ndarray, other: np.ndarray, passes: int) -> tuple[float, float]:
    """Seconds of a fit of so many passes, and its validation error."""
    start = time.perf_counter()
    model = isthmus.Autoencoder(LATENTS, max_epochs=passes, random_state=0, progress=False).fit(train)
    seconds = time.perf_counter() - start
    return seconds, float(((model.reconstruct(other) - other) ** 2).mean())


def measured(args: argparse.Namespace) -> dict[str, Any]:
    """One round: PyOD, then isthmus with more and more passes until it is as good."""
    found = answer([args.python, "-c", PYOD, str(args.rows)])
    if found is None:
        raise SystemExit("PyOD is not installed for that interpreter: pip install -e '.[bench]'")
    peer, target = found
    train, other = rows(args.rows)
    for passes in PASSES:
        seconds, error = fitted(train, other, passes)
        if error <= target:
            break
    pca = PCA(LATENTS).fit(train)
    straight = float(((pca.inverse_transform(pca.transform(other)) - other) ** 2).mean())
    return {
        "pyod_seconds": peer, "pyod_error": target, "seconds": seconds, "error": error, "passes": passes,
        "reached": error <= target, "pca_error": straight, "times": peer / seconds,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python", default=sys.executable)
    args = parser.parse_args()
    print(in_words(machine := ceilings()))
    found = []
    fitted(*rows(2_000), 1)  # what is loaded once
    for _ in range(args.rounds):
        found.append(measured(args))
        one = found[-1]
        print(
            f"PyOD {one['pyod_seconds']:6.1f} s to {one['pyod_error']:.3f}   isthmus {one['seconds']:5.2f} s, "
            f"{one['passes']} passes, to {one['error']:.3f}{'' if one['reached'] else ' (not reached)'}   "
            f"PCA {one['pca_error']:.3f}   {one['times']:.0f} times sooner",
            flush=True,
        )
    print(json.dumps({"machine": machine, "times": statistics.median(f["times"] for f in found), "rounds": found}))


if __name__ == "__main__":
    main()
