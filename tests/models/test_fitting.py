"""Tests of `isthmus.models.fitting`: from checked data to the network that training finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from isthmus.data.readers import as_data
from isthmus.errors import ParameterError
from isthmus.losses import per_row
from isthmus.models import fitting
from isthmus.models.fitting import (
    fit_all,
    fit_encoder,
    one_pass,
    outline_baseline,
    outline_for,
    plan_for,
    training_error,
    watchers,
)
from isthmus.parameters import AutoencoderParameters
from isthmus.prep.columns import ColumnEncoder
from isthmus.prep.pixels import PixelEncoder
from isthmus.train.callbacks import Callback, ProgressBar

PARAMETERS = AutoencoderParameters(2, max_epochs=1)


def test_pictures_have_pixels_and_rows_have_columns(data):
    """The number of axes decides, not their sizes."""
    assert isinstance(fit_encoder(data.pictures(), PARAMETERS), PixelEncoder)
    assert isinstance(fit_encoder(data.curve(), PARAMETERS), ColumnEncoder)


@pytest.mark.parametrize("scaling", ["common", "column", "none"])
def test_scaling_can_be_set(data, scaling):
    """What is asked for is what the encoder does, and what the plan says."""
    encoder = fit_encoder(data.curve(), AutoencoderParameters(2, scaling=scaling))
    assert encoder.scaling == scaling
    assert plan_for(encoder, data.curve(), PARAMETERS).scaling == scaling


def reconstructions(fitted, rows):
    """What the network and the baseline make of the first rows."""
    x = rows.slice(0, 20)
    with torch.no_grad():
        return fitted.network.eval()(x).reconstruction, fitted.baseline(x).reconstruction


@pytest.mark.parametrize("n_rows", [30, 200])
def test_the_network_begins_as_pca(data, n_rows):
    """With many rows the start is the baseline; with few it is PCA without the validation rows, which it must not know."""
    fitted, rows = fit_all(data.curve(n_rows), PARAMETERS, seed=0)
    first, second = reconstructions(fitted, rows)
    assert torch.allclose(first, second, atol=1e-4) is (n_rows >= fitting.FAIR_ROWS * 6)
    assert torch.allclose(first, second, atol=0.5)


@pytest.mark.parametrize("name", ["floats", "gaps", "flags", "pictures", "colour pictures"])
def test_without_training_the_network_is_the_baseline(data, name):
    """With no epochs both give the same reconstructions, but for rounding."""
    first, second = reconstructions(*fit_all(data.forms[name](), AutoencoderParameters(2, max_epochs=0), seed=0))
    assert torch.allclose(first, second, atol=1e-4)


def test_reconstructions_stay_within_the_bounds(pair):
    """The network's bounds are those of the encoder."""
    model, _ = pair
    low, high = model.encoder_.bounds()
    assert np.array_equal(model.network_.bounds.low.numpy(), low)
    assert np.array_equal(model.network_.bounds.high.numpy(), high)


def test_no_baseline_beyond_its_size(data, monkeypatch):
    """Where PCA would be larger than the network there is none, and a note says so."""
    monkeypatch.setattr(fitting, "ANCHOR_WEIGHTS", 5)
    fitted, _ = fit_all(data.curve(), PARAMETERS, seed=0)
    assert fitted.baseline is None
    assert any("compares with the mean row" in note for note in fitted.plan.notes)


def test_outlines_have_the_tensors_of_the_model(pair):
    """The tensors of a file follow from plan and layout alone."""
    model, _ = pair
    for network, outlined in (
        (model.network_, outline_for(model.plan_, model.encoder_.layout)),
        (model.baseline_, outline_baseline(model.plan_, model.encoder_.layout)),
    ):
        expected = {name: value.shape for name, value in outlined.state_dict().items()}
        assert {name: value.shape for name, value in network.state_dict().items()} == expected


def test_one_pass_is_one_epoch_of_all_rows(pair):
    """A partial fit trains on every row once, at a constant rate."""
    plan = one_pass(pair[0].plan_, 7)
    assert (plan.max_epochs, plan.validation_rows, plan.schedule) == (1, 0, "constant")
    assert plan.batch_size <= 7


@pytest.mark.parametrize(("progress", "expected"), [(False, 0), ("auto", 1), (True, 1)])
def test_the_progress_bar_can_be_turned_off(progress, expected):
    """The caller's callbacks come first, then the bar."""
    mine = Callback()
    found = watchers(AutoencoderParameters(callbacks=[mine], progress=progress))
    assert found[0] is mine
    assert sum(isinstance(callback, ProgressBar) for callback in found) == expected


def test_pictures_have_no_scaling_by_column(data):
    """Pictures have one factor: asking for one each is an error, asking for none is in the plan."""
    with pytest.raises(ParameterError, match='scaling="column" is for rows of columns'):
        fit_encoder(data.pictures(), AutoencoderParameters(2, scaling="column"))
    parameters = AutoencoderParameters(2, scaling="none")
    assert plan_for(fit_encoder(data.pictures(), parameters), data.pictures(), parameters).scaling == "none"


@pytest.mark.parametrize("callbacks", [[3], [print], Callback(), object()])
def test_callbacks_are_a_sequence_of_objects_with_hooks(callbacks):
    """Anything else is refused before training calls it."""
    with pytest.raises(ParameterError, match="callbacks must be a sequence of objects with the methods on_fit_start"):
        watchers(AutoencoderParameters(callbacks=callbacks))


@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_a_sigmoid_beside_categories(data, loss):
    """Numbers end in a sigmoid, logits do not: the error starts near that of the constant guess."""
    parameters = AutoencoderParameters(2, output="sigmoid", loss=loss, max_epochs=1, random_state=0)
    fitted, rows = fit_all(encoded_table(data), parameters, seed=0)
    x = rows.slice(0, 90)
    errors = training_error(fitted.plan, fitted.network, fitted.encoder.layout, gaps=True)
    with torch.no_grad():
        assert per_row(errors(fitted.network(x).reconstruction, x)).max() < 100


def encoded_table(data):
    """The mixed frame as a `Table`."""
    return as_data(data.mixed())
