"""Anomaly detection where the rows of fit hold anomalies too, and nobody has labels: beside isolation forest and MCD.

    python bench/mixed_bag.py [DIR] [--seeds 1] [--cap 10000] [--only NAME ...]

The unlabelled protocol of DTE (Livernoche et al. 2024) on the sets of ``one_class.py``: sets of fewer than 1,000 rows are drawn up
to 1,000 with repetition, at most ``--cap`` rows are kept (50 anomalies come back where fewer than 10 would be left); a bootstrap
sample of the whole set trains, the whole set tests. The others (scikit-learn's IsolationForest and EllipticEnvelope, which is MCD)
get columns standardised on the whole set, isthmus, with ``contamination="auto"``, as they are. Where a covariance cannot be had the
score is 0 for all. The last line is JSON.
"""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path

import numpy as np
from one_class import arguments, files_of, rows_of
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.preprocessing import StandardScaler

import isthmus

FEWEST, FEWEST_ODD, MOST_ODD = 1_000, 10, 50
NAMES = ("isthmus", "iforest", "mcd")


def draw(path: Path, seed: int, cap: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All rows, their labels, and the places of those that train."""
    X, y = rows_of(path)
    rng = np.random.default_rng(seed)
    keep = rng.choice(len(X), FEWEST) if len(X) < FEWEST else rng.permutation(len(X))[:cap]
    if y[keep].sum() < FEWEST_ODD:
        keep = np.union1d(keep, np.flatnonzero(y)[:MOST_ODD])
    X, y = X[keep], y[keep]
    return X, y, rng.choice(len(X), len(X))


def mcd(train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    """Robust Mahalanobis distances."""
    try:
        return -EllipticEnvelope(random_state=seed).fit(train).score_samples(test)
    except ValueError:
        return np.zeros(len(test))


def measure(path: Path, seed: int, cap: int) -> dict[str, dict[str, float]]:
    """AUROC, average precision and seconds of one set and seed."""
    X, y, training = draw(path, seed, cap)
    Z = StandardScaler().fit_transform(X)
    ways = {
        "isthmus": lambda: (
            isthmus.AnomalyDetector(contamination="auto", random_state=seed).fit(X[training]).anomaly_scores(X)
        ),
        "iforest": lambda: -IsolationForest(random_state=seed).fit(Z[training]).score_samples(Z),
        "mcd": lambda: mcd(Z[training], Z, seed),
    }
    found: dict[str, dict[str, float]] = {"auroc": {}, "ap": {}, "seconds": {}}
    for name, way in ways.items():
        start = time.perf_counter()
        scores = np.nan_to_num(way())
        found["seconds"][name] = time.perf_counter() - start
        found["auroc"][name] = float(roc_auc_score(y, scores))
        found["ap"][name] = float(average_precision_score(y, scores))
    return found


def mean(found: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Means of the same figures."""
    return {key: {name: float(np.mean([f[key][name] for f in found])) for name in NAMES} for key in found[0]}


def line(name: str, figures: dict[str, dict[str, float]]) -> str:
    """A set in one line."""
    shown = "   ".join(" ".join(f"{figures[key][n]:8.4f}" for n in NAMES) for key in ("auroc", "ap"))
    return f"{name:16} {shown}   " + " ".join(f"{figures['seconds'][n]:7.1f}" for n in NAMES)


def main() -> None:
    args = arguments(__doc__, seeds=1).parse_args()
    warnings.filterwarnings("ignore")
    print(
        f"{'':17}{'AUROC':29}{'AP':29}seconds\n{'':17}"
        + "   ".join(" ".join(f"{n:>{width}}" for n in NAMES) for width in (8, 8, 7))
    )
    sets = {}
    for path in files_of(args.dir, args.only):
        sets[path.stem] = mean([measure(path, seed, args.cap) for seed in range(args.seeds)])
        print(line(path.stem, sets[path.stem]), flush=True)
    whole = mean(list(sets.values()))
    print(line("mean", whole))
    wins = {n: sum(f["auroc"]["isthmus"] > f["auroc"][n] for f in sets.values()) for n in NAMES[1:]}
    print(json.dumps({"sets": len(sets), "seeds": args.seeds, "cap": args.cap, "mean": whole, "auroc_wins_over": wins}))


if __name__ == "__main__":
    main()
