"""Rows per second: scoring, encoding and reconstructing, beside raw torch, PyOD and Keras; and how long a single row takes.

    python bench/score.py [--rows 1000000] [--rounds 3] [--python FILE]

A table of 32 columns (float32 and float64), MNIST, and a folder of pictures made from it. "Raw" is the same network called block by
block on a ready float32 tensor: no checks, no scaling, no errors. The network of the first table is PyOD's default (64 and 32
hidden units), that of the second is isthmus's own; the detector has its default model and 10,000 known rows. ``--python`` names the
interpreter that has PyOD and Keras; each runs in a process of its own. All take turns, ratios are those of one round, and the
table has medians. The last line is JSON.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ceilings import ceilings, in_words

import isthmus
from isthmus.data.png import png_bytes
from isthmus.models.detecting import block_of, runner

COLUMNS, PYOD_HIDDEN = 32, (64, 32)
SINGLE, FILES, DETECTED = 200, 1_000, 20_000
PEER_ROWS, RAW_BLOCK = 100_000, 4_096

PYOD = """
import json, sys, time, warnings; warnings.filterwarnings("ignore")
import numpy as np
from pyod.models.auto_encoder import AutoEncoder
X = np.random.default_rng(0).normal(size=(int(sys.argv[1]), 32)).astype("float32")
model = AutoEncoder(epoch_num=1, verbose=0).fit(X[:5000])
start = time.perf_counter(); model.decision_function(X); seconds = time.perf_counter() - start
print(json.dumps(len(X) / seconds))
"""
KERAS = """
import json, os, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np
X = np.random.default_rng(0).normal(size=(int(sys.argv[1]), 32)).astype("float32")
sizes = (64, "relu"), (32, "relu"), (16, None), (32, "relu"), (64, "relu"), (32, None)
layers = [keras.layers.Dense(n, activation=a) for n, a in sizes]
model = keras.Sequential([keras.Input((32,)), *layers])
model.predict(X[:5000], batch_size=4096, verbose=0)
start = time.perf_counter()
made = model.predict(X, batch_size=4096, verbose=0)
error = ((made - X) ** 2).mean(axis=1)
print(json.dumps(len(X) / (time.perf_counter() - start)))
"""


def seconds_of(run: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def raw(model: Any, rows: torch.Tensor, block: int) -> Callable[[], None]:
    """The network alone, over ready rows."""

    def run() -> None:
        with torch.inference_mode():
            for part in rows.split(block):
                model.network_(part)

    return run


def table(name: str, model: Any, X: np.ndarray, rounds: int) -> dict[str, Any]:
    """Rows per second of a fitted model, and of its network alone."""
    ready = torch.from_numpy(model.encoder_.encode(X))
    ways: dict[str, Callable[[], object]] = {
        "raw": raw(model, ready, RAW_BLOCK),
        "score": lambda: model.score_samples(X),
        "encode": lambda: model.transform(X),
        "reconstruct": lambda: model.reconstruct(X),
    }
    found: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds + 1):  # the first warms up
        for way, run in ways.items():
            found[way].append(seconds_of(run))
    rates = {way: len(X) / statistics.median(seconds[1:]) for way, seconds in found.items()}
    share = statistics.median(r / s for r, s in zip(found["raw"][1:], found["score"][1:], strict=True))
    single = statistics.median(seconds_of(lambda: model.score_samples(X[:1])) for _ in range(SINGLE))
    print(
        f"{name:38} {rates['score']:12,.0f} {rates['encode']:12,.0f} {rates['reconstruct']:12,.0f} {rates['raw']:12,.0f} "
        f"{share:6.0%} {single * 1e3:8.2f}", flush=True,
    )  # fmt: skip
    return {"name": name, "rows_per_second": rates, "share_of_raw": share, "single_row_ms": single * 1e3}


def detector(X: np.ndarray) -> dict[str, Any]:
    """Rows per second of a default detector, and where its time goes."""
    fitted = isthmus.AnomalyDetector(random_state=0, progress=False).fit(X[:DETECTED])
    fitted.anomaly_scores(X[:1_000])
    seconds = seconds_of(lambda: fitted.anomaly_scores(X[:DETECTED]))
    run, scorer = runner(fitted.model_), fitted.scorer_
    block = block_of(fitted.model_, scorer)
    rows = torch.from_numpy(fitted.model_.encoder_.encode(X[:block]))
    parts: dict[str, float] = {}
    with torch.inference_mode():
        output = run(rows)
        residual = scorer.residuals(rows, output)
        both, plain = scorer.features(residual)
        steps: dict[str, Callable[[], object]] = {
            "network": lambda: run(rows),
            "residuals and views": lambda: scorer.features(scorer.residuals(rows, output)),
            "nearest known rows": lambda: scorer.neighbours(both),
            "local ratio": lambda: scorer.local(plain),
        }
        for name, step in steps.items():
            step()
            parts[name] = min(seconds_of(step) for _ in range(5)) / block * DETECTED
    shares = {name: value / sum(parts.values()) for name, value in parts.items()}
    words = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    print(f"AnomalyDetector, {DETECTED:,} rows: {DETECTED / seconds:,.0f} rows a second; of it {words}")
    return {"rows_per_second": DETECTED / seconds, "shares": shares}


def folder_of(pictures: np.ndarray, where: Path) -> str:
    """The pictures as PNG files; a pattern that names them."""
    for number, picture in enumerate(pictures):
        (where / f"{number:05}.png").write_bytes(png_bytes(picture))
    return str(where / "*.png")


def peer(python: str, program: str) -> float | None:
    """Rows per second of another library; None where it is not there."""
    done = subprocess.run([python, "-c", program, str(PEER_ROWS)], capture_output=True, text=True, check=False)
    return None if done.returncode else float(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python", default=sys.executable)
    args = parser.parse_args()
    os.environ.setdefault("ISTHMUS_DATA", "../shared/data")
    machine = ceilings()
    print(in_words(machine))
    print(
        f"{'rows a second':38} {'score':>12} {'encode':>12} {'reconstruct':>12} {'raw torch':>12} {'share':>6} {'1 row ms':>8}"
    )
    X = np.random.default_rng(0).normal(size=(args.rows, COLUMNS))
    small = isthmus.Autoencoder(16, hidden_dims=PYOD_HIDDEN, max_epochs=1, random_state=0, progress=False).fit(
        X[:20_000]
    )
    own = isthmus.Autoencoder(max_epochs=1, random_state=0, progress=False).fit(X[:50_000])
    found = [
        table("32 columns float32, 64-32-16-32-64", small, X.astype(np.float32), args.rounds),
        table("32 columns float64, 64-32-16-32-64", small, X, args.rounds),
        table("32 columns float32, default network", own, X.astype(np.float32), args.rounds),
    ]
    mnist = np.asarray(isthmus.datasets.load("mnist"))[:20_000]
    pictures = isthmus.Autoencoder(36, network="dense", max_epochs=1, random_state=0, progress=False).fit(mnist[:5_000])
    found.append(table("MNIST, dense", pictures, mnist, args.rounds))
    with tempfile.TemporaryDirectory() as temporary:
        files = folder_of(mnist[:FILES], Path(temporary))
        seconds = statistics.median(seconds_of(lambda: pictures.score_samples(files)) for _ in range(args.rounds))
    print(f"a folder of {FILES:,} PNG files: {FILES / seconds:,.0f} pictures a second, files opened and decoded")
    detected = detector(X.astype(np.float32))
    peers = {"pyod": peer(args.python, PYOD), "keras": peer(args.python, KERAS)}
    ours = found[0]["rows_per_second"]["score"]
    for name, rate in peers.items():
        if rate is not None:
            print(f"{name}, 32 columns: {rate:,.0f} rows a second; isthmus {ours / rate:,.1f} times as many")
    print(
        json.dumps(
            {"machine": machine, "models": found, "files": FILES / seconds, "detector": detected, "peers": peers}
        )
    )


if __name__ == "__main__":
    main()
