"""Draw docs/images/digits.png: held-out digits over what isthmus and PCA make of them, 8 numbers each.

python bench/picture.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import isthmus
from isthmus.atomic import write_bytes
from isthmus.data.png import png_bytes

SCALE, GAP, SHOWN = 8, 8, 14


def main() -> None:
    digits = np.asarray(isthmus.datasets.load("digits"))
    order = np.random.default_rng(0).permutation(len(digits))
    train, test = digits[order[:1437]], digits[order[1437 : 1437 + SHOWN]]
    model = isthmus.Autoencoder(8, random_state=0).fit(train)
    pca = isthmus.Autoencoder(8, max_epochs=0, random_state=0).fit(train)
    strips = []
    for pictures in (test, model.reconstruct(test), pca.reconstruct(test)):
        large = np.kron(16 - pictures, np.ones((1, SCALE, SCALE)))
        framed = np.pad(large, ((0, 0), (GAP, 0), (GAP, 0)), constant_values=16)
        strips.append(np.concatenate(list(framed), axis=1))
    sheet = np.concatenate(strips, axis=0)
    sheet = np.pad(sheet, ((0, GAP), (0, GAP)), constant_values=16)
    target = Path(__file__).resolve().parent.parent / "docs" / "images" / "digits.png"
    write_bytes(target, png_bytes(sheet, (0, 16)))


if __name__ == "__main__":
    main()
