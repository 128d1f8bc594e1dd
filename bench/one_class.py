"""Anomaly detection on tables, trained on normal rows: the score and its parts beside k-NN, LOF and isolation forest.

    python bench/one_class.py [DIR] [--seeds 1] [--cap 10000] [--only NAME ...] [--json FILE]

DIR (default ``ISTHMUS_DATA/adbench``) holds .npz files with X (rows, features) and y (1 = anomaly). At most ``--cap`` rows of a
set; half of the normal rows train, the other half and all anomalies test. The others get columns standardised on the training
rows, isthmus gets them as they are.

AUROC of: the reconstruction alone (``-model_.score_samples``), the score's residual part, its neighbours without the residual, the
whole, and the others; average precision of the whole and of k-NN; realised false alarms at 1, 5 and 10 % (a set is calibrated when
all three are within chance of what was asked); seconds of the fit, and of PyOD's AutoEncoder on the same rows where that is
installed. Far rows are normal ones moved by 3 to 100 deviations along principal axes, and along the directions in which single
latents move the reconstruction: mean AUROC from 5 deviations on, that of k-NN, the least from 20 on, and the share of rows whose
score rises at every step from 5. (Where columns have heavy tails, normal rows themselves are farther out than that.) Then
means, wins, Wilcoxon's p and the worst set. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import wilcoxon
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.preprocessing import StandardScaler

import isthmus
from isthmus.errors import MissingPackageError
from isthmus.models.detecting import block_of, runner, score_encoded
from isthmus.nets.blocks import in_blocks
from isthmus.optional import need
from isthmus.scores.neighbours import Neighbours

RATES = (0.01, 0.05, 0.1)
SIGMAS = (3, 5, 8, 12, 20, 35, 60, 100)
AXES, MOVED = 8, 20
"""Principal axes, and latents, along which rows are moved; rows that are."""
OURS = ("reconstruction", "residual", "neighbours", "isthmus")
OTHERS = ("knn", "lof", "iforest")
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def files_of(folder: str | None, only: list[str]) -> list[Path]:
    """The sets, the smallest first; of these those whose names hold one of ``only``."""
    where = Path(folder or Path(os.environ.get("ISTHMUS_DATA", "../shared/data")) / "adbench")
    found = sorted(where.glob("*.npz"), key=lambda file: file.stat().st_size)
    return [file for file in found if not only or any(part in file.stem for part in only)]


def arguments(about: str | None, seeds: int) -> argparse.ArgumentParser:
    """What every bench on these sets can be told: the folder, seeds, the most rows, names."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", nargs="?")
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--cap", type=int, default=10_000)
    parser.add_argument("--only", nargs="+", default=[])
    return parser


def rows_of(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Rows and labels of a set."""
    with np.load(path) as file:
        return file["X"].astype(np.float64), file["y"].astype(int)


def split(path: Path, seed: int, cap: int) -> Arrays:
    """Training rows, test rows, labels of these."""
    X, y = rows_of(path)
    rng = np.random.default_rng(seed)
    if len(X) > cap:
        keep = rng.permutation(len(X))[:cap]
        if y[keep].sum() < 10:
            keep = np.union1d(keep, np.flatnonzero(y)[:50])
        X, y = X[keep], y[keep]
    normal = np.flatnonzero(y == 0)
    rng.shuffle(normal)
    half = len(normal) // 2
    test = np.r_[normal[half:], np.flatnonzero(y == 1)]
    return X[normal[:half]], X[test], y[test]


def knn(train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Distances to the fifth nearest training row."""
    scale = StandardScaler().fit(train)
    known = NearestNeighbors(n_neighbors=min(5, len(train))).fit(scale.transform(train))
    return known.kneighbors(scale.transform(test))[0][:, -1]


def others(train: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
    """Scores of what isthmus is compared with."""
    scale = StandardScaler().fit(train)
    a, b = scale.transform(train), scale.transform(test)
    return {
        "knn": knn(train, test),
        "lof": -LocalOutlierFactor(min(20, len(a) - 1), novelty=True).fit(a).score_samples(b),
        "iforest": -IsolationForest(random_state=0).fit(a).score_samples(b),
    }


def ours(detector: isthmus.AnomalyDetector, test: np.ndarray) -> dict[str, np.ndarray]:
    """The score and its parts, each as a score of its own."""
    rows = detector.model_._rows(test)
    found = score_encoded(detector.model_, detector.scorer_, rows)
    return {
        "reconstruction": -detector.model_.score_samples(test),
        "residual": found[:, 3],
        "neighbours": without_residual(detector, rows),
        "isthmus": found[:, 0],
    }


def without_residual(detector: isthmus.AnomalyDetector, rows: Any) -> np.ndarray:
    """Distances to the nearest known rows in the view of the row alone, its residual left out."""
    scorer, run = detector.scorer_, runner(detector.model_)
    half = scorer.neighbours.reference.shape[1] // (1 if scorer.slopes is not None else 2)
    known = Neighbours(scorer.shape.n_reference, half, scorer.shape.count)
    known.set(scorer.neighbours.reference[:, :half], detector.model_.block_rows_)

    def distance(x: torch.Tensor) -> torch.Tensor:
        return known(scorer.features(scorer.residuals(x, run(x)))[0][:, :half])

    return in_blocks(distance, rows.slice, len(rows), block_of(detector.model_, scorer), torch.device("cpu"))


def moved_rows(detector: isthmus.AnomalyDetector, train: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Rows moved along axes, (n_sigmas, n_axes, n_rows, n_features)."""
    spread = np.where(train.std(axis=0) > 0, train.std(axis=0), 1.0)
    sample = (train[np.random.default_rng(0).permutation(len(train))[:2_000]] - train.mean(axis=0)) / spread
    _, sizes, components = np.linalg.svd(sample, full_matrices=False)
    axes = [a * s / np.sqrt(len(sample)) for a, s in zip(components[:AXES], sizes[:AXES], strict=True) if s > 1e-6]
    latents = detector.model_.transform(train[:2_000])
    middle = latents.mean(axis=0)
    chosen = np.linspace(0, latents.shape[1] - 1, min(AXES, latents.shape[1])).astype(int)
    ends = middle + np.diag(latents.std(axis=0))[chosen]
    moved = (detector.model_.inverse_transform(ends) - detector.model_.inverse_transform(middle[None])) / spread
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    axes = np.concatenate([axes, (moved / np.maximum(lengths, 1e-12))[lengths[:, 0] > 1e-6]])
    axes = np.concatenate([axes, -axes])
    return start + np.array(SIGMAS)[:, None, None, None] * axes[:, None] * spread


def far(detector: isthmus.AnomalyDetector, train: np.ndarray, normal: np.ndarray) -> dict[str, float]:
    """How well rows far out are told apart, and whether their scores rise all the way."""
    rows = moved_rows(detector, train, normal[:MOVED])
    flat = rows.reshape(-1, rows.shape[-1])
    labels = np.r_[np.zeros(len(normal)), np.ones(rows.shape[2])]
    found, auroc = {}, {}
    for name, both in (
        ("isthmus", (detector.anomaly_scores(flat), detector.anomaly_scores(normal))),
        ("knn", np.split(knn(train, np.r_[flat, normal]), [len(flat)])),
    ):
        scores = both[0].reshape(rows.shape[:3])
        auroc[name] = np.array([[roc_auc_score(labels, np.r_[both[1], each]) for each in far] for far in scores])
        found[name] = float(auroc[name][1:].mean())
        if name == "isthmus":
            found["rising"] = float((np.diff(scores[1:], axis=0) > 0).all(axis=0).mean())
    return {**found, "least": float(auroc["isthmus"][SIGMAS.index(20) :].min())}


def pyod_seconds(train: np.ndarray) -> float | None:
    """Seconds of PyOD's AutoEncoder with its defaults; None where it is not installed."""
    try:
        module = need("pyod.models.auto_encoder", extra="bench")
    except MissingPackageError:
        return None
    rows = StandardScaler().fit_transform(train)
    start = time.perf_counter()
    module.AutoEncoder(verbose=0).fit(rows)
    return time.perf_counter() - start


def measure(path: Path, seed: int, cap: int) -> dict[str, Any]:
    """All figures of one set and seed."""
    train, test, y = split(path, seed, cap)
    start = time.perf_counter()
    detector = isthmus.AnomalyDetector(random_state=seed).fit(train)
    seconds = time.perf_counter() - start
    scores = {**ours(detector, test), **others(train, test)}
    p = detector.p_values(test[y == 0])
    pyod = pyod_seconds(train)
    return {
        "auroc": {name: float(roc_auc_score(y, s)) for name, s in scores.items()},
        "ap": {name: float(average_precision_score(y, s)) for name, s in scores.items()},
        "alarms": {str(rate): float((p <= rate).mean()) for rate in RATES},
        "far": far(detector, train, test[y == 0]), "fit_seconds": {"isthmus": seconds, **({"pyod": pyod} if pyod else {})},
        "rows": {"train": len(train), "calibration": len(detector.calibration_scores_), "normal": int((y == 0).sum())},
    }  # fmt: skip


def mean(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Means of the same figures of several seeds."""
    return {key: {name: float(np.mean([f[key][name] for f in found])) for name in found[0][key]} for key in found[0]}


def within_chance(figures: dict[str, Any]) -> bool:
    """Whether the false alarms are as asked, up to two standard errors of both sets of rows and half a percent."""
    share = 1 / max(1, figures["rows"]["calibration"]) + 1 / max(1, figures["rows"]["normal"])
    slack = {rate: 0.005 + 2 * (rate * (1 - rate) * share) ** 0.5 for rate in RATES}
    return all(abs(figures["alarms"][str(rate)] - rate) <= slack[rate] for rate in RATES)


def line(name: str, figures: dict[str, Any]) -> str:
    """A set in one line."""
    auroc, ap, alarms = figures["auroc"], figures["ap"], figures["alarms"]
    seconds = " ".join(f"{value:5.1f}" for value in figures["fit_seconds"].values())
    return (
        f"{name:16}" + "".join(f"{auroc[key]:7.4f}" for key in (*OURS, *OTHERS))
        + f"  {ap['isthmus']:.4f} {ap['knn']:.4f}  " + " ".join(f"{100 * alarms[str(r)]:4.1f}" for r in RATES)
        + "  " + " ".join(f"{figures['far'][key]:.4f}" for key in ("isthmus", "knn", "least"))
        + f" {100 * figures['far']['rising']:5.1f}  {seconds} s"
    )  # fmt: skip


def compare(sets: dict[str, dict[str, Any]], key: str, other: str) -> dict[str, Any]:
    """The whole score against another: mean gain, wins, Wilcoxon's p, the set with the largest loss."""
    gains = {name: figures[key]["isthmus"] - figures[key][other] for name, figures in sets.items()}
    values = np.array(list(gains.values()))
    p = float(wilcoxon(values).pvalue) if len(values) > 1 and (values != 0).any() else 1.0
    worst = min(gains, key=gains.__getitem__)
    return {
        "gain": float(values.mean()), "wins": int((values > 0).sum()), "losses": int((values < 0).sum()), "p": p,
        "worst": [worst, float(gains[worst])],
    }  # fmt: skip


def main() -> None:
    parser = arguments(__doc__, seeds=1)
    parser.add_argument("--json", help="write the figures of every set to this file")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    print(
        f"{'':16}" + "".join(f"{key[:6]:>7}" for key in (*OURS, *OTHERS))
        + "  AP     knn     false alarms %  far    knn    least  rise %  fit (PyOD)"
    )  # fmt: skip
    sets = {}
    for path in files_of(args.dir, args.only):
        sets[path.stem] = mean([measure(path, seed, args.cap) for seed in range(args.seeds)])
        print(line(path.stem, sets[path.stem]), flush=True)
    whole = mean(list(sets.values()))
    print(line("mean", whole))
    against = {f"{key} over {other}": compare(sets, key, other) for key in ("auroc", "ap") for other in OTHERS}
    for name, found in against.items():
        worst, loss = found["worst"]
        print(
            f"{name:20} {found['gain']:+.4f}, wins {found['wins']}, losses {found['losses']}, p {found['p']:.3g}, "
            f"worst {worst} {loss:+.4f}"
        )
    summary = {
        "sets": len(sets), "seeds": args.seeds, "cap": args.cap, "auroc": whole["auroc"], "ap": whole["ap"],
        "against": against, "calibrated": sum(within_chance(figures) for figures in sets.values()),
        "far": {**whole["far"], "least": min(f["far"]["least"] for f in sets.values())},
        "fit_seconds": {key: sum(f["fit_seconds"][key] for f in sets.values()) for key in whole["fit_seconds"]},
    }  # fmt: skip
    if args.json:
        Path(args.json).write_text(json.dumps({"summary": summary, "sets": sets}, indent=1), encoding="utf-8")
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
