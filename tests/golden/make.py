"""Write the golden files of this release: small models of generated data, rows, and the scores that the models give them.

Run once per release, as ``python tests/golden/make.py``; the folder is then kept for ever, and `tests/golden/test_golden.py` loads
every file of every release. An existing folder is never written to.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

import isthmus
from isthmus.corruptions import MaskingNoise

HERE = Path(__file__).resolve().parent


def table(n=80):
    """Rows with a number, a whole number, a flag, a category and a date that follow one factor, with gaps."""
    draw = np.random.default_rng(1)
    factor = draw.normal(size=n)
    columns = {
        "weight": [round(float(v), 3) for v in factor * 3 + draw.normal(0, 0.1, n)],
        "visits": [int(v) for v in np.rint(factor * 10 + 50)],
        "member": [bool(v) for v in factor > 0],
        "place": [("south", "mid", "north")[int(v)] for v in np.digitize(factor, (-0.5, 0.5))],
        "joined": [str(np.datetime64("2020-01-01") + int(v)) for v in np.rint(factor * 200 + 900)],
    }
    return {
        name: [None if i % 9 == j else v for i, v in enumerate(cells)]
        for j, (name, cells) in enumerate(columns.items())
    }


def frame(columns):
    """The table as `isthmus` reads it; the date is text in JSON."""
    dates = pa.array(columns["joined"]).cast(pa.date32())
    return pa.table({**{name: cells for name, cells in columns.items() if name != "joined"}, "joined": dates})


def pictures(n=60):
    """Smooth pictures of bytes, (n, 12, 12)."""
    draw = np.random.default_rng(2)
    side = np.arange(12)
    waves = np.sin(draw.uniform(0, 6, (n, 1, 1)) + draw.uniform(0.2, 0.6, (n, 1, 1)) * side[:, None] + 0.3 * side)
    return (127 + 100 * waves + draw.normal(0, 5, waves.shape)).clip(0, 255).astype(np.uint8)


def curve(n=120):
    """Rows along a curve, (n, 5)."""
    draw = np.random.default_rng(3)
    t = draw.uniform(0, 6.28, n)
    return np.stack([np.sin(t), np.cos(t), np.sin(2 * t), 5 * np.cos(2 * t), t], axis=1) + draw.normal(0, 0.05, (n, 5))


def models():
    """Name, fitted model, and its rows."""
    quick = {"max_epochs": 5, "random_state": 0}
    rows = frame(table())
    yield "table", isthmus.Autoencoder(2, hidden_dims=(8,), **quick).fit(rows), table()
    X = pictures()
    yield "pictures", isthmus.Autoencoder(3, network="conv", hidden_dims=(4, 4), **quick).fit(X), X
    X = curve()
    yield (
        "denoising",
        isthmus.DenoisingAutoencoder(latent_dim=2, hidden_dims=(8,), corruption=MaskingNoise(0.2), **quick).fit(X),
        X,
    )
    detector = isthmus.AnomalyDetector(
        isthmus.Autoencoder(2, hidden_dims=(8,), **quick), reference_rows=20, random_state=0
    )
    yield "detector", detector.fit(X), X


def scores(model, rows):
    """One score a row: high for rows that are unlike those of fit."""
    return model.anomaly_scores(rows) if isinstance(model, isthmus.AnomalyDetector) else -model.score_samples(rows)


def main():
    """Write the folder of this version, or refuse."""
    folder = HERE / isthmus.__version__
    if folder.exists():
        print(f"{folder.name} has its golden files already; they are kept as they are", file=sys.stderr)
        return 1
    made = list(models())
    folder.mkdir()
    for name, model, rows in made:
        model.save(folder / f"{name}.safetensors")
        if isinstance(rows, dict):
            (folder / f"{name}.json").write_text(json.dumps(rows, indent=0) + "\n", encoding="utf-8")
            rows = frame(rows)
        else:
            np.save(folder / f"{name}.npy", rows, allow_pickle=False)
        np.save(folder / f"{name}.scores.npy", np.asarray(scores(model, rows), np.float64), allow_pickle=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
