"""Convolutional against dense network: held-out error after the same seconds.

    python bench/conv.py [--set mnist] [--latent 64] [--epochs 2,5,10]

Fits both networks to the first 50,000 training pictures for each number of epochs and measures on the last 10,000 (the test
images stay unseen). For each convolutional fit the dense error at the same seconds is read off the line between the dense
fits, in logarithms of both. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import time

import numpy as np

import isthmus


def measured(network: str, size: int, epochs: int, train: np.ndarray, test: np.ndarray) -> tuple[float, float]:
    """Seconds of the fit and mean squared error per pixel."""
    model = isthmus.Autoencoder(size, network=network, max_epochs=epochs, random_state=0)
    start = time.perf_counter()
    model.fit(train)
    seconds = time.perf_counter() - start
    return seconds, float(((np.clip(model.reconstruct(test), 0, 1) - test) ** 2).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="mnist")
    parser.add_argument("--latent", type=int, default=64)
    parser.add_argument("--epochs", default="2,5,10")
    args = parser.parse_args()
    os.environ.setdefault("ISTHMUS_DATA", "../shared/data")
    pictures = np.asarray(isthmus.datasets.load(args.set)).astype(np.float32) / 255
    train, test = pictures[:50_000], pictures[50_000:]
    found: dict[str, list[tuple[float, float]]] = {"dense": [], "conv": []}
    for epochs in (int(n) for n in args.epochs.split(",")):
        for network, points in found.items():
            points.append(measured(network, args.latent, epochs, train, test))
            print(f"{args.set} {network:6} {epochs:3} epochs  {points[-1][0]:6.1f} s  {points[-1][1]:.5f}", flush=True)
    seconds, errors = np.log(np.array(found["dense"])).T
    ratios = [error / float(np.exp(np.interp(np.log(s), seconds, errors))) for s, error in found["conv"]]
    print(json.dumps({"set": args.set, **found, "conv_over_dense_at_equal_seconds": ratios}))


if __name__ == "__main__":
    main()
