"""What the machine can do at most, measured: matrix products in float32 and bfloat16, and copying memory.

    python bench/ceilings.py

Other benches take these figures in the same run to say which share of the limit they reach.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import torch

SIDE, COPIED = 1024, 2**26
REPEATS = 5


def best(run: Callable[[], object]) -> float:
    """Least seconds of a few runs, after one that warms up."""
    run()
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def product(kind: torch.dtype, side: int = SIDE, device: str = "cpu") -> float:
    """Operations per second of a square product, a multiply-add counting as two."""
    a, b = (torch.randn(side, side, device=device).to(kind) for _ in range(2))
    return 2 * side**3 / best(lambda: finished(a @ b))


def finished(made: object) -> object:
    """``made``, once a GPU that makes it is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return made


def bandwidth() -> float:
    """Bytes per second read and written together while a large block is copied."""
    source = torch.zeros(COPIED, dtype=torch.float32)
    target = torch.empty_like(source)
    return 2 * 4 * COPIED / best(lambda: target.copy_(source))


def ceilings() -> dict[str, float]:
    """All of them, with torch's own number of threads."""
    return {
        "float32_flops": product(torch.float32),
        "bfloat16_flops": product(torch.bfloat16),
        "bytes_per_second": bandwidth(),
        "threads": torch.get_num_threads(),
    }


def in_words(found: dict[str, float]) -> str:
    """One line for people."""
    return (
        f"ceilings on {found['threads']:.0f} threads: {found['float32_flops'] / 1e9:.0f} GFLOP/s in float32, "
        f"{found['bfloat16_flops'] / 1e9:.0f} in bfloat16, {found['bytes_per_second'] / 1e9:.1f} GB/s copied"
    )


if __name__ == "__main__":
    measured = ceilings()
    print(in_words(measured))
    print(json.dumps(measured))
