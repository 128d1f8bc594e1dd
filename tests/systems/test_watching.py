"""Tests of `isthmus.systems.watching`: losses, accuracy, and the lines of a fit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from isthmus import Autoencoder
from isthmus.systems.catalogue import CATALOGUE
from isthmus.systems.material import Material
from isthmus.systems.watching import EpochLines, accuracy, mean_loss

R = np.random.default_rng(0)
ROWS = R.random((40, 9)).astype(np.float32)
SETTINGS = {
    "latent_dim": 2,
    "max_epochs": 3,
    "batch_size": 8,
    "scaling": "none",
    "validation_fraction": 0.0,
    "random_state": 0,
}


def watched_fit(validation="test", loss="mse", count=False, **changes):
    """A fit whose epochs are printed: the model, the watcher and the lines."""
    recipe = dataclasses.replace(CATALOGUE["mnist-3d"], validation=validation, accuracy=count)
    rows, said = Material(ROWS, ROWS[:10] ** 2, np.zeros(10, np.int64)), []
    lines = EpochLines(recipe, rows, loss, said.append)
    made = Autoencoder(**{**SETTINGS, "keep": "last", "callbacks": (lines,), **changes})
    lines.model = made
    return made.fit(ROWS), lines, said, rows


def test_losses_by_hand():
    """Squared, absolute and logarithmic errors, each a mean over all values."""
    y, x = ROWS, ROWS[::-1]
    assert mean_loss("mse", y, x) == pytest.approx(np.mean((y - x) ** 2), rel=1e-5)
    assert mean_loss("mae", y, x) == pytest.approx(np.mean(np.abs(y - x)), rel=1e-5)
    assert mean_loss("bce", y, x) == pytest.approx(-np.mean(x * np.log(y) + (1 - x) * np.log(1 - y)), rel=1e-5)


@pytest.mark.parametrize("name", ["mse", "mae", "bce"])
def test_losses_are_least_at_the_truth(name):
    """Nothing has a smaller loss than the rows themselves; values of exactly 0 and 1 stay finite."""
    x = np.round(ROWS)
    away = [mean_loss(name, np.clip(x + step, 0, 1), x) for step in (0.0, 0.1, 0.3)]
    assert away == sorted(away)
    assert away[0] == pytest.approx(0, abs=1e-6)
    assert np.isfinite(mean_loss(name, 1 - x, x))


def test_accuracy_counts_exact_pixels():
    """Only values that are exactly 0 or 1 and come out on the right side of one half count."""
    x = np.array([0.0, 0.0, 1.0, 1.0, 0.5])
    assert accuracy(np.array([0.1, 0.9, 0.9, 0.1, 0.5]), x) == pytest.approx(0.4)
    assert accuracy(x, x) == pytest.approx(0.8)


def test_a_line_an_epoch():
    """Each epoch is said once, with its number and its losses."""
    _, lines, said, _ = watched_fit()
    assert [line.split()[1] for line in said] == ["1/3", "2/3", "3/3"]
    assert [entry["epoch"] for entry in lines.history] == [1, 2, 3]
    assert said[-1] == "epoch 3/3  loss {loss:.4f}  val_loss {val_loss:.4f}".format(**lines.history[-1])
    assert lines.seconds > 0


@pytest.mark.parametrize(
    ("validation", "count", "names"),
    [
        ("nothing", False, {"epoch", "loss"}),
        ("test", False, {"epoch", "loss", "val_loss"}),
        ("last fifth", True, {"epoch", "loss", "val_loss", "accuracy", "val_accuracy"}),
    ],
)
def test_what_is_measured(validation, count, names):
    """Validation and accuracy are measured where a recipe asks for them."""
    assert set(watched_fit(validation, count=count)[1].history[0]) == names


@pytest.mark.parametrize("loss", ["mse", "mae"])
def test_the_last_line_is_the_model(loss):
    """Where the last weights are kept, the last validation loss is that of the fitted model."""
    model, lines, _, rows = watched_fit(loss=loss)
    assert lines.history[-1]["val_loss"] == pytest.approx(
        mean_loss(loss, model.reconstruct(rows.test), rows.test), rel=1e-6
    )
    assert lines.history[-1]["loss"] == model.history_[-1]["training_loss"]


def test_watching_changes_nothing():
    """A fit that is watched gives the bytes of one that is not."""
    model = watched_fit(count=True)[0]
    alone = Autoencoder(**SETTINGS, keep="last").fit(ROWS)
    assert np.array_equal(model.transform(ROWS), alone.transform(ROWS))
