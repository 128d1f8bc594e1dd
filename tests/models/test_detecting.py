"""One fit of a detector."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from isthmus import AnomalyDetector, Autoencoder, DenoisingAutoencoder
from isthmus.models.detecting import (
    FEWEST_SET_ASIDE,
    MOST_CALIBRATION_ROWS,
    default_model,
    model_for,
    score_encoded,
    split,
)


@pytest.mark.parametrize(("n", "fraction", "count"), [(20, 0.2, 4), (300, 0.2, 60), (1_001, 0.5, 500), (21, 0.001, 1)])
def test_rows_are_set_aside(n, fraction, count):
    """The asked share of the rows sets the threshold, the others train, and no row does both or neither."""
    training, held_out, notes = split(n, fraction, 0)
    assert len(held_out) == count
    assert sorted([*training.tolist(), *held_out.tolist()]) == list(range(n))
    assert notes == ()


def test_no_more_than_needed_are_set_aside():
    """However many rows there are, a few thousand set the threshold."""
    assert len(split(100_000, 0.2, 0)[1]) == MOST_CALIBRATION_ROWS


def test_which_rows_is_a_matter_of_the_seed():
    """One seed sets the same rows aside, another others."""
    found = [split(100, 0.2, seed)[1] for seed in (0, 0, 1)]
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_too_few_to_set_aside():
    """Of few rows all train and set the threshold, and a note says what that means."""
    training, held_out, notes = split(FEWEST_SET_ASIDE - 1, 0.2, 0)
    assert torch.equal(training, held_out)
    assert len(training) == FEWEST_SET_ASIDE - 1
    assert "its false-alarm rate is not known" in notes[0]


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("shape", [(200, 5), (200, 7, 6)])
def test_the_default_is_a_plain_expression(shape, mixed):
    """The default model is a public estimator whose parameters are all its own; as text it makes the same one again."""
    model = default_model(np.random.default_rng(0).normal(size=shape), mixed=mixed)
    assert isinstance(model, DenoisingAutoencoder)
    assert model.get_params().keys() == DenoisingAutoencoder().get_params().keys()
    assert (model.trim > 0) == mixed


def test_steps_do_not_grow_with_the_rows():
    """A default fit takes about as many steps for a thousand rows as for a hundred."""
    epochs = [default_model(np.zeros((n, 5)), mixed=False).max_epochs for n in (100, 1_000, 10_000)]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[-1] >= 1


def test_a_given_model_is_copied():
    """The model that was given stays as it is; a seed of its own is kept, else it is the detector's."""
    given = Autoencoder(2, max_epochs=1)
    copy = model_for(given, None, 7, False, mixed=False)
    assert copy is not given
    assert (copy.random_state, given.random_state) == (7, None)
    assert model_for(Autoencoder(2, random_state=3), None, 7, False, mixed=False).random_state == 3


def test_scores_come_with_their_parts(data):
    """A row's score, its parts and its distance are given at once, and the first is what the detector tells."""
    X = data.curve()
    detector = AnomalyDetector(Autoencoder(2, max_epochs=2), random_state=0).fit(X)
    found = score_encoded(detector.model_, detector.scorer_, detector.model_._rows(X))
    assert found.shape == (len(X), 5)
    assert np.array_equal(found[:, 0], detector.anomaly_scores(X))
    assert np.allclose(found[:, 1:4] @ detector.scorer_.shape.weights, found[:, 0], atol=1e-5)
    assert (found[:, 4] >= 0).all()


def test_every_form_of_data(data):
    """Data of each form is fitted and scored, all without an error or a warning."""
    for make in data.forms.values():
        X = make()
        detector = AnomalyDetector(Autoencoder(2, max_epochs=1), random_state=0).fit(X)
        assert np.isfinite(detector.anomaly_scores(X)).all()
        assert set(detector.predict(X)) <= {-1, 1}
