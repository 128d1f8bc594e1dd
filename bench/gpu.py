"""On a GPU: seconds of a default fit, a wide network's share of the products' ceiling, rows scored per second, memory.

    python bench/gpu.py [--device cuda] [--rows 60000] [--rounds 3]

MNIST with isthmus's defaults (64 latents), after one fit that warms up; the network 784-1024-512-64-512-1024-784 in batches of
4,096, whose operations are counted as in `bench/epoch.py` and divided by the time of its epochs after the first and by the
ceiling of a square product measured in the same run; the network 32-64-32-16-32-64-32 over rows that lie on the device. ``--device
cpu`` shows that the program works where there is no GPU. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from typing import Any

import numpy as np
import torch
from ceilings import best, finished, product
from epoch import dense_weights, operations
from peers import WIDE
from score import seconds_of

import isthmus
from isthmus.train.callbacks import Callback

BATCH, SCORED, BLOCK, SIDE = 4_096, 2**22, 2**18, 4_096


class Clock(Callback):
    """When each epoch ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_epoch_end(self, state: Any) -> None:
        """Note the time."""
        self.ends.append(time.perf_counter())


def wide(device: str, X: np.ndarray) -> tuple[float, str]:
    """Operations per second of the wide network's epochs after the first, and the number format of its plan."""
    clock = Clock()
    model = isthmus.Autoencoder(
        network=WIDE["network"], batch_size=BATCH, max_epochs=4, validation_fraction=0.0, keep="last", device=device,
        callbacks=(clock,), progress=False, random_state=0,
    ).fit(X)  # fmt: skip
    done = operations(dense_weights("wide") or []) * len(X)
    # The last epoch holds the measuring.
    return done / statistics.median(np.diff(clock.ends)[:-1]), model.plan_.precision


def scored(device: str, rows: int) -> float:
    """Rows per second of errors of a table's network, rows and results on the device."""
    X = np.random.default_rng(0).normal(size=(20_000, 32))
    network = (
        isthmus.Autoencoder(16, hidden_dims=(64, 32), max_epochs=1, random_state=0, progress=False).fit(X).network_
    )
    network = network.to(device).eval()
    there = torch.randn(rows, 32, device=device)

    def run() -> None:
        with torch.inference_mode():
            for part in there.split(BLOCK):
                (network(part).reconstruction - part).square().mean(dim=1)

        finished(None)

    return rows / best(run)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        print("this machine has no GPU that PyTorch can use; --device cpu tries the program out")
        return
    on_gpu = args.device == "cuda"
    os.environ.setdefault("ISTHMUS_DATA", "../shared/data")
    pictures = np.asarray(isthmus.datasets.load("mnist"))[: args.rows]
    fit = lambda: isthmus.Autoencoder(64, device=args.device, random_state=0, progress=False).fit(pictures)  # noqa: E731
    seconds = [seconds_of(lambda: finished(fit())) for _ in range(args.rounds + 1)][1:]
    rate, precision = wide(args.device, pictures.reshape(len(pictures), -1) / np.float32(255))
    most = product(getattr(torch, precision), SIDE if on_gpu else 512, args.device)
    found = {
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "mnist_default_fit_seconds": statistics.median(seconds),
        "wide_precision": precision,
        "wide_share_of_ceiling": rate / most,
        "ceiling_flops": most,
        "rows_scored_per_second": scored(args.device, SCORED if on_gpu else BLOCK),
        "peak_mib": torch.cuda.max_memory_allocated() / 2**20 if on_gpu else None,
    }
    for name, value in found.items():
        print(f"{name:28} {value:,.3f}" if isinstance(value, float) else f"{name:28} {value}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
