"""The example of the dogs and cats: what its tables are said to show."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from isthmus import Autoencoder
from isthmus.models.relevance import relevance

OWNER = {"owner_age", "owner_weight_kg"}


@pytest.fixture(scope="module")
def example():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("animals", Path(__file__).parents[2] / "examples" / "animals.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ranked(example, seed, n=300, **changes):
    """The columns of a small table, the best explained first."""
    rows, _ = example.animals(n, seed)
    frame = pd.DataFrame(rows, columns=list(example.COLUMNS))
    return relevance(Autoencoder(1, random_state=seed, **changes).fit(frame), frame)


@pytest.mark.parametrize("seed", range(6))
def test_the_owner_comes_last(example, seed):
    """A latent of one number keeps the animal: the owner's columns are ranked last, by a wide margin."""
    found = ranked(example, seed)
    assert {column.name for column in found[2:]} == OWNER
    assert found[1].explained > found[2].explained + 0.3


@pytest.mark.parametrize("seed", range(3))
def test_pca_keeps_nothing_of_the_owner(example, seed):
    """The straight latent hardly listens to the owner's columns."""
    found = ranked(example, seed, 2000, max_epochs=0)
    assert all(abs(column.explained) < 0.1 > column.change for column in found[2:])
    assert all(column.explained > 0.9 for column in found[:2])


def test_the_table_is_as_described(example):
    """Length and weight go with the species and with one another; the owner's columns with nothing."""
    rows, species = example.animals(3000, 0)
    together = pd.DataFrame(rows, columns=list(example.COLUMNS)).assign(dog=species == "dog").corr()
    assert together.loc["length_cm", "weight_kg"] > 0.9 > together.loc["length_cm", "dog"] > 0.7
    assert together.loc[list(OWNER), ["length_cm", "weight_kg", "dog"]].abs().to_numpy().max() < 0.06
    assert abs(together.loc["owner_age", "owner_weight_kg"]) < 0.2
