"""Seconds of one pass over the rows, of the same network in Keras, a plain PyTorch loop, skorch and isthmus.

    python bench/epoch.py [NAME ...] [--rows 60000] [--epochs 3] [--rounds 3] [--peers keras torch skorch] [--python FILE]

The tutorials' networks as written, and a wide one. Each run is a process of its own (`bench/peers.py`), all take turns, and
ratios are those of one round; the table has medians of the rounds. Of a run the quickest epoch after the first counts, for the
first holds what is compiled and loaded once. isthmus's epochs hold the measuring of up to 4,096 rows that it does after each.

The floor is what the arithmetic and the memory traffic need at the ceilings measured in this run (`bench/ceilings.py`):
per row 6 operations for each weight of a dense network (2 forward, 2 for the weights' gradients, 2 for the layer before, the last
not for the first layer), a read and a write of the row; per step 28 bytes for each weight (Adam reads weight, gradient and
two means, and writes three of them). Convolutions have no floor here. ``--python`` names the interpreter that has the peers.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from ceilings import ceilings, in_words
from peers import answer, networks, rows_for, split

PEERS = ("keras", "torch", "skorch")


def run(python: str, who: str, name: str, rows: int, epochs: int) -> dict[str, Any] | None:
    """One run; None where the library is not there."""
    command = [python, str(Path(__file__).parent / "peers.py"), who, name, "--rows", str(rows), "--epochs", str(epochs)]
    found: dict[str, Any] | None = answer(command)
    return found and {**found, "epoch": min(found["seconds"][1:] or found["seconds"])}


def dense_weights(name: str) -> list[int] | None:
    """Weights of each layer of a dense network; None where it has convolutions."""
    settings = networks()[name]
    sizes = [rows_for(name, 1).size]
    for line in (*settings["network"]["encoder"], *settings["network"]["decoder"]):
        kind, numbers, _, _ = split(line)
        if kind in ("conv", "conv-transpose"):
            return None
        sizes += numbers[:1] if kind == "dense" else []
    return [a * b for a, b in pairwise(sizes)]


def operations(weights: list[int]) -> int:
    """Of one row in an epoch: 6 for each weight, the first layer's 4."""
    return 6 * sum(weights) - 2 * weights[0]


def floor(name: str, n_rows: int, machine: dict[str, float]) -> float | None:
    """Least seconds of an epoch of a dense network; None where it has convolutions."""
    weights = dense_weights(name)
    if weights is None:
        return None
    steps = math.ceil(n_rows / networks()[name]["batch_size"])
    moved = 2 * 4 * rows_for(name, 1).size * n_rows + 28 * sum(weights) * steps
    return operations(weights) * n_rows / machine["float32_flops"] + moved / machine["bytes_per_second"]


def measured(name: str, args: argparse.Namespace, machine: dict[str, float]) -> dict[str, Any]:
    """All rounds of one network."""
    rounds: list[dict[str, dict[str, Any]]] = []
    for _ in range(args.rounds):
        runs = {who: run(args.python, who, name, args.rows, args.epochs) for who in (*args.peers, "isthmus")}
        rounds.append({who: found for who, found in runs.items() if found is not None})
    ours = statistics.median(r["isthmus"]["epoch"] for r in rounds)
    least = floor(name, len(rows_for(name, args.rows)), machine)
    return {
        "name": name,
        "seconds": {who: statistics.median(r[who]["epoch"] for r in rounds) for who in rounds[0]},
        "times": {
            who: statistics.median(r[who]["epoch"] / r["isthmus"]["epoch"] for r in rounds)
            for who in rounds[0]
            if who != "isthmus"
        },
        "error": {who: rounds[0][who]["error"] for who in rounds[0]},
        "peak_mib": {who: rounds[0][who]["peak_mib"] for who in rounds[0]},
        "floor": least,
        "share_of_floor": None if least is None else least / ours,
    }


def line(found: dict[str, Any], peers: list[str]) -> str:
    """A network in one line."""
    whos = (*peers, "isthmus")
    seconds = " ".join(f"{found['seconds'].get(who, math.nan):8.3f}" for who in whos)
    times = " ".join(f"{found['times'].get(who, math.nan):7.1f}x" for who in peers)
    share = "     –" if found["share_of_floor"] is None else f"{found['share_of_floor']:6.0%}"
    errors = " ".join(f"{found['error'].get(who, math.nan):7.4f}" for who in whos)
    return f"{found['name']:21} {seconds}   {times}   {share}   {errors}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="*", default=list(PEERS))
    parser.add_argument("--python", default=sys.executable)
    args = parser.parse_args()
    machine = ceilings()
    print(in_words(machine))
    whos = (*args.peers, "isthmus")
    print(
        f"{'seconds an epoch':21} {' '.join(f'{who:>8}' for who in whos)}   {' '.join(f'{who:>8}' for who in args.peers)}"
        f"    floor   {' '.join(f'{who:>7}' for who in whos)}"
    )
    found = []
    for name in args.names or networks():
        found.append(measured(name, args, machine))
        print(line(found[-1], args.peers), flush=True)
    whole = {
        who: statistics.geometric_mean([f["times"][who] for f in found if who in f["times"]])
        for who in args.peers
        if any(who in f["times"] for f in found)
    }
    print("geometric mean: " + ", ".join(f"{times:.1f} times as fast as {who}" for who, times in whole.items()))
    print(json.dumps({"machine": machine, "rows": args.rows, "geometric_mean": whole, "networks": found}))


if __name__ == "__main__":
    main()
