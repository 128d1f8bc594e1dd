"""False alarms and false discoveries of a detector beside what was asked for, on normal rows that no fit has seen.

    python bench/calibration.py [DIR] [--seeds 3] [--cap 10000] [--only NAME ...]

Sets and splits of ``one_class.py``. For each set: the share of new normal rows that is flagged at 1, 5 and 10 %, with the deviation
that chance allows at 5 % (one standard error of the calibration rows and the new ones, over all seeds); then, with all test rows
flagged together at a false-discovery rate of 10 % (Benjamini and Hochberg), the share of the flagged that is normal and the share
of the anomalies that is found. A set with few calibration rows can find none; its row says so. The last line is JSON.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
from one_class import RATES, arguments, files_of, split

import isthmus
from isthmus.conformal import cannot_discover

FDR = 0.1


def measure(path: Path, seed: int, cap: int) -> dict[str, float]:
    """Figures of one set and seed."""
    train, test, y = split(path, seed, cap)
    detector = isthmus.AnomalyDetector(random_state=seed).fit(train)
    p = detector.p_values(test)
    flagged = detector.predict(test, fdr=FDR) < 0
    n = len(detector.calibration_scores_)
    return {
        **{str(rate): float((p[y == 0] <= rate).mean()) for rate in RATES},
        "false": float(flagged[y == 0].sum() / max(1, flagged.sum())), "power": float(flagged[y == 1].mean()),
        "calibration": n, "normal": int((y == 0).sum()), "anomalies": int((y == 1).sum()),
        "fewest": 1 if cannot_discover(n, FDR, len(test)) is None else int(np.ceil(len(test) / (n + 1) / FDR)),
    }  # fmt: skip


def main() -> None:
    args = arguments(__doc__, seeds=3).parse_args()
    warnings.filterwarnings("ignore")
    print(f"{'':16} {'calibr.':>7} {'new':>6}    1 %    5 %   10 %  +-    BH at 10 %: false  found")
    sets = {}
    for path in files_of(args.dir, args.only):
        each = [measure(path, seed, args.cap) for seed in range(args.seeds)]
        found = {key: float(np.mean([figures[key] for figures in each])) for key in each[0]}
        chance = (0.05 * 0.95 * (1 / found["calibration"] + 1 / found["normal"]) / args.seeds) ** 0.5
        none = found["fewest"] > found["anomalies"]
        note = f"  needs {found['fewest']:.0f} at a time, has {found['anomalies']:.0f}" if none else ""
        print(
            f"{path.stem:16} {found['calibration']:7.0f} {found['normal']:6.0f}  "
            + "  ".join(f"{100 * found[str(rate)]:5.2f}" for rate in RATES)
            + f"  {100 * chance:.1f} {100 * found['false']:16.1f} {100 * found['power']:6.1f}{note}", flush=True,
        )  # fmt: skip
        sets[path.stem] = found
    keys = (*(str(rate) for rate in RATES), "false", "power")
    whole = {key: float(np.mean([figures[key] for figures in sets.values()])) for key in keys}
    print(f"{'mean':31}  " + "  ".join(f"{100 * whole[key]:5.2f}" for key in keys))
    print(json.dumps({"seeds": args.seeds, "cap": args.cap, "fdr": FDR, "mean": whole, "sets": sets}))


if __name__ == "__main__":
    main()
