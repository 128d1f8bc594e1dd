"""Latents as features for a classifier: isthmus beside PCA at the same size and the raw columns.

    python bench/probe.py [--sets mnist ecg5000] [--holes] [--seed 0]

MNIST, 32 latents: fitted to the 60,000 training images without their labels; the classifiers learn from these images and
are tested on the 10,000 test images. ECG5000 (normal or not), 8 latents: five folds, each beat tested once by a model and
classifiers that have not seen it. Accuracy in percent with its standard error, and the gain over PCA on the same rows with
its own. The linear classifier is that of `isthmus.probe`, 5-NN too; "5-NN scaled" divides each feature by its standard
deviation first, which suits PCA's components less. ``--holes`` adds latents of a `DenoisingAutoencoder` that fills holes. The
last line is JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import time
from collections.abc import Iterator

import numpy as np

import isthmus
from isthmus.models.accuracy import Score, accuracy, gain, linear_hits, neighbour_hits
from isthmus.models.probing import LATENTS, PCA, RAW, features_of

SIZES = {"mnist": 32, "ecg5000": 8}
NEIGHBOURS, FOLDS = 5, 5
WITH_HOLES = "latents, trained with holes"
Hits = dict[str, dict[str, np.ndarray]]


def parts(name: str, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Rows and classes to learn from, rows and classes to test, for each fold."""
    if name == "mnist":
        yield (*isthmus.datasets.load(name, "train", labels=True), *isthmus.datasets.load(name, "test", labels=True))
        return
    rows, classes = isthmus.datasets.load(name, labels=True)
    for test in np.array_split(np.random.default_rng(seed).permutation(len(rows)), FOLDS):
        train = np.delete(np.arange(len(rows)), test)
        yield rows[train], classes[train], rows[test], classes[test]


def filled(rows: np.ndarray) -> np.ndarray:
    """Rows as pictures, in which there can be holes: a beat is a picture of one line."""
    return rows if rows.ndim == 3 else rows[:, None]


def features(train: np.ndarray, test: np.ndarray, size: int, seed: int, holes: bool) -> list[dict[str, np.ndarray]]:
    """Both parts as each kind of features."""
    model = isthmus.Autoencoder(size, random_state=seed).fit(train)
    found = [features_of(model, rows) for rows in (train, test)]
    if holes:
        damage = isthmus.corruptions.Holes(size=(0.2, 0.5), value="mean")
        other = isthmus.DenoisingAutoencoder(damage, latent_dim=size, random_state=seed).fit(filled(train))
        for features_found, rows in zip(found, (train, test), strict=True):
            features_found[WITH_HOLES] = other.transform(filled(rows))
    return found


def hits_of(name: str, seed: int, holes: bool) -> Hits:
    """Which rows each classifier gets right with each kind of features."""
    found: Hits = {}
    for train, codes, test, truth in parts(name, seed):
        learnt, asked = features(train, test, SIZES[name], seed, holes)
        for kind in learnt:
            scale = learnt[kind].std(axis=0)
            scale[scale == 0] = 1
            answers = {
                "linear": linear_hits(learnt[kind], codes, asked[kind], truth, np.random.default_rng(seed)),
                "5-NN": neighbour_hits(learnt[kind], codes, asked[kind], truth, NEIGHBOURS),
                "5-NN scaled": neighbour_hits(learnt[kind] / scale, codes, asked[kind] / scale, truth, NEIGHBOURS),
            }
            for classifier, hits in answers.items():
                before = found.setdefault(kind, {}).get(classifier, hits[:0])
                found[kind][classifier] = np.concatenate([before, hits])
    return found


def table(hits: Hits) -> dict[str, dict[str, Score]]:
    """Print accuracies and gains; give them by name."""
    found = {kind: {c: accuracy(h) for c, h in of.items()} for kind, of in hits.items()}
    for kind in hits:
        if kind.startswith(LATENTS):
            found[f"{kind} less PCA"] = {c: gain(h, hits[PCA][c]) for c, h in hits[kind].items()}
    print(f"{'':38}" + "".join(f"{c:>18}" for c in found[RAW]))
    for name, scores in found.items():
        signs = "+" if name.endswith("less PCA") else ""
        print(f"{name:38}" + "".join(f"{score.text(signs):>18}" for score in scores.values()))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--holes", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault("ISTHMUS_DATA", "../shared/data")
    result = {}
    for name in args.sets:
        start = time.perf_counter()
        hits = hits_of(name, args.seed, args.holes)
        print(f"\n{name}, {SIZES[name]} latents, {len(hits[RAW]['linear']):,} test rows")
        found = table(hits)
        print(f"{time.perf_counter() - start:.0f} s")
        result[name] = {kind: {c: dataclasses.asdict(s) for c, s in of.items()} for kind, of in found.items()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
