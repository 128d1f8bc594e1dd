"""Which columns tell dogs from cats: the animal's length and weight, and not its owner's age and weight?

    python examples/animals.py [--rows 800] [--seed 0]

The table is made here: length and weight depend on the species and on one another; an owner's age and weight have nothing to
do with the animal, and next to nothing with one another. The species is not given to the fit: it only measures, at the end.

A latent of one number is best spent on what length and weight have in common, the animal's size; the owner's columns come
last. PCA (the first table) keeps nothing of them. A network (the second) gives up a little of length and weight for some of
the owner's age: its one number is a place on a bent line, which winds through what varies independently as well. The error
over all columns is smaller for it, and the features for this task are worse. This is what "an autoencoder drops irrelevant
columns" can honestly mean, and it has a limit: reconstruction knows nothing of dogs and cats. Give the latent two numbers (the
third table) and the second goes to the owner, as only that is left to reconstruct; so would the first, had the table three
columns on the owner that go together. To learn what a column is worth for a task, ask with labels: the last table tries each
column by itself with `isthmus.probe`.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

import isthmus

COLUMNS = ("length_cm", "weight_kg", "owner_age", "owner_weight_kg")


def animals(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Dogs and cats, (n, 4) in the order of `COLUMNS`, and the species of each."""
    rng = np.random.default_rng(seed)
    species = np.where(rng.random(n) < 0.5, "dog", "cat")
    dog = species == "dog"
    # From the chest to the tail. A body of twice the length weighs about six times as much, more or less well fed.
    length = np.where(dog, rng.normal(75, 14, n).clip(35, 120), rng.normal(46, 4, n))
    weight = np.where(dog, 22 * (length / 75) ** 2.6, 4.4 * (length / 46) ** 2.6) * np.exp(rng.normal(0, 0.15, n))
    owner_age = rng.uniform(18, 80, n)
    owner_weight = rng.normal(76, 14, n) + 0.08 * (owner_age - 49)  # adults gain a little with the years
    return np.column_stack([length, weight, owner_age, owner_weight]).round(1), species


def write(path: Path, rows: np.ndarray) -> None:
    """The rows as a CSV file."""
    lines = [",".join(COLUMNS), *(",".join(f"{cell:g}" for cell in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def show(found: list) -> None:
    """The relevance of each column, the best first."""
    print(f"  {'column':16} {'explained':>9} {'share of the change':>20}")
    for column in found:
        print(f"  {column.name:16} {100 * column.explained:7.0f} % {100 * column.change:18.0f} %")


def worth(rows: np.ndarray, species: np.ndarray, seed: int) -> float:
    """Accuracy of a linear classifier that sees these columns alone."""
    model = isthmus.Autoencoder(1, max_epochs=0, random_state=seed).fit(rows)
    return isthmus.probe(model, rows, species, random_state=seed).features[-1].linear.value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=800)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rows, species = animals(args.rows, args.seed)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "animals.csv"), rows)
        table = isthmus.read(Path(folder, "animals.csv"))
    for words, size, epochs in (("PCA, 1 number", 1, 0), ("a network, 1 number", 1, "auto"), ("2 numbers", 2, "auto")):
        model = isthmus.Autoencoder(latent_dim=size, max_epochs=epochs, random_state=args.seed).fit(table)
        print(f"\nWhat the latent keeps: {words}")
        show(isthmus.relevance(model, table))
        print(isthmus.probe(model, table, species))
    print("\nEach column alone, asked with labels (always answering one species: about 50 %)")
    for name, column in zip(COLUMNS, rows.T, strict=True):
        print(f"  {name:16} {100 * worth(column[:, None], species, args.seed):7.0f} %")


if __name__ == "__main__":
    main()
