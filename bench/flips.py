"""Flip a bit of every byte of two small model files, and cut them at every length: how many loads give a model without a word.

Run as ``python bench/flips.py``; it takes some minutes, prints a line for each file, and exits with 1 unless both say 0.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import isthmus


def damaged(whole: bytes) -> Iterator[bytes]:
    """The file with one bit of each byte changed, and cut before each byte."""
    for i, byte in enumerate(whole):
        yield whole[:i] + bytes([byte ^ 1 << (i % 8)]) + whole[i + 1 :]
        yield whole[:i]


def silent(path: Path) -> tuple[int, int]:
    """How many damaged files were loaded, and how many there were."""
    loaded = tried = 0
    for content in damaged(path.read_bytes()):
        tried += 1
        path.write_bytes(content)
        try:
            isthmus.load(path)
        except isthmus.ModelFileError:
            continue
        loaded += 1
    return loaded, tried


def main() -> int:
    rows = np.random.default_rng(0).normal(size=(60, 3)).round(2)
    model = isthmus.Autoencoder(1, hidden_dims=(2,), max_epochs=1, random_state=0).fit(rows)
    detector = isthmus.AnomalyDetector(model, random_state=0, reference_rows=5).fit(rows)
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, made in (("model", model), ("detector", detector)):
            path = Path(folder) / f"{name}.safetensors"
            made.save(path)
            start, size = time.perf_counter(), path.stat().st_size
            loaded, tried = silent(path)
            seconds = time.perf_counter() - start
            print(f"{name}: {size:,} bytes, {tried:,} damaged files, {loaded} loaded silently, {seconds:.0f} s")
            worst = max(worst, loaded)
    return int(worst > 0)


if __name__ == "__main__":
    sys.exit(main())
