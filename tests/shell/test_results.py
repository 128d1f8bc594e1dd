from __future__ import annotations

import numpy as np
import pytest

import isthmus
from isthmus.shell import results


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (0.25, "75 % less"),
        (0.004, "0.004 times"),
        (1.0, "no better than PCA"),
        (0.9999, "no better than PCA"),
        (1.0001, "no better than PCA"),
        (2.0, "PCA is better by 50 %"),
        (None, "PCA leaves no error"),
    ],
)
def test_the_sentence_says_which_is_better(ratio, words):
    """The comparison with PCA is told as it is, also where PCA wins."""
    assert words in results.against_pca({"error": 0.1, "pca_error": 0.2, "ratio": ratio})


def test_no_pca_is_said():
    """Where PCA was too large to fit, the sentence says so."""
    found = {"error": 0.1, "pca_error": None, "ratio": None}
    assert "none to compare with" in results.against_pca(found)
    assert dict(results.comparison_rows(found))["error of PCA"] == "unknown"


@pytest.mark.parametrize("fraction", [0.25, 0.0])
def test_held_out_rows_are_those_of_the_fit(fraction):
    """The error on the rows held out is the validation error of the epoch that was kept."""
    X = np.random.default_rng(0).normal(size=(80, 4))
    model = isthmus.Autoencoder(2, max_epochs=3, validation_fraction=fraction, random_state=3).fit(X)
    rows = results.held_out(model, X)
    kept = next(entry for entry in model.history_ if entry["kept"])
    assert len(rows) == (20 if fraction else 80)
    assert model.compare(rows)["error"] == pytest.approx(kept["validation_loss"], rel=1e-4)


@pytest.mark.parametrize(
    ("shape", "channels"), [((12, 3, 6, 5), "first"), ((12, 6, 5, 3), "last"), ((12, 6, 5), "auto")]
)
def test_pictures_are_drawn_whatever_their_axes(tmp_path, shape, channels):
    """Channels first or last, or none, give the same files."""
    X = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    model = isthmus.Autoencoder(2, max_epochs=0, channels=channels, random_state=0).fit(X)
    results.write_decoded(model, model.reconstruct(X), f"{tmp_path}/out/")
    found = np.asarray(isthmus.read(tmp_path / "out"))
    assert found.shape == ((12, 6, 5) if len(shape) == 3 else (12, 6, 5, 3))


def test_arrays_get_numbered_columns():
    """A 2-D array is written with the names that scikit-learn gives such columns."""
    assert list(results.decoded_columns(np.zeros((2, 3)))) == ["x0", "x1", "x2"]


def test_frames_keep_their_columns():
    """What a model of a frame decodes to is written under the frame's names."""
    import pandas as pd

    assert list(results.decoded_columns(pd.DataFrame({"a": [1.5], "b": ["x"]}))) == ["a", "b"]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (0.4, 0.1, "0.25 times the error of the spoiled rows: 75 % less"),
        (0.4, 0.5, "no better than leaving them as they are"),
        (0.0, 0.1, "the rows were not spoiled"),
        (None, 0.1, ""),
    ],
)
def test_restoration_is_told_as_it_is(before, after, words):
    """What was restored stands beside leaving the spoiled rows alone, also where that is better."""
    found = {"error": after, "pca_error": None, "ratio": None, "untouched_error": before, "psnr": None}
    assert words in results.against_untouched(found)
    assert next(name for name, _ in results.comparison_rows(found)) == "error"


def test_restoration_on_held_out_rows():
    """Of a denoiser the rows held out are spoiled first; of pairs the spoiled form of the same rows is taken."""
    X = np.random.default_rng(0).uniform(size=(40, 6, 5))
    model = isthmus.DenoisingAutoencoder(latent_dim=2, max_epochs=1, random_state=0).fit(X)
    assert results.on_held_out(model, X)["error"] == model.compare(results.held_out(model, X))["error"]
    found = results.on_held_out(model, X, X + 0.1)
    assert found["untouched_error"] == pytest.approx(0.01 / model.encoder_.scale**2, rel=1e-3)
