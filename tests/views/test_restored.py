"""The report of a model that restores: what it measures, shows and leaves out, and honest words on filters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import isthmus
from isthmus.corruptions import GaussianNoise, Holes, Swap
from isthmus.errors import DataError, ParameterError
from isthmus.restoration import Row
from isthmus.views.columns import best_first, causes
from isthmus.views.measured import measure
from isthmus.views.restored import cells, in_words

SETTINGS = {"max_epochs": 1, "random_state": 0, "batch_size": 32}


def faces(n=40, side=16):
    """Smooth pictures of bytes."""
    r = np.random.default_rng(0)
    rows, columns = (r.uniform(0.1, 0.6, (n, 1)) * np.arange(side) for _ in range(2))
    waves = np.sin(r.uniform(0, 6, (n, 1, 1)) + rows[:, :, None] + columns[:, None, :])
    return (127 + 100 * waves).astype(np.uint8)


def homes(n=80):
    """A number, a category that follows it, and another number, with gaps."""
    r = np.random.default_rng(0)
    size = r.normal(size=n)
    kind = np.where(size > r.normal(size=n), "house", "flat")
    frame = pd.DataFrame({"size": size, "kind": kind, "rooms": np.rint(3 + 2 * size)})
    return frame.mask(r.random(frame.shape) < 0.05)


@pytest.fixture(scope="module")
def unet():
    """A network without a latent."""
    model = isthmus.DenoisingAutoencoder(GaussianNoise(0.2), hidden_dims=(8, 8), **SETTINGS).fit(faces())
    model.block_rows_ = 16
    return model


@pytest.fixture(scope="module")
def dense():
    """A network with a latent, for pictures."""
    return isthmus.DenoisingAutoencoder(GaussianNoise(0.1) | Holes(), latent_dim=4, **SETTINGS).fit(faces())


@pytest.fixture(scope="module")
def table():
    """A model of a table."""
    return isthmus.DenoisingAutoencoder(Swap(0.2), latent_dim=2, **SETTINGS).fit(homes())


def written(model, X, folder, **options):
    """The text of a report."""
    return isthmus.report(model, X, folder / "report.html", **options).read_text(encoding="utf-8")


def test_without_a_latent(unet, tmp_path, page):
    """There is no map, no PCA and no compression, and the page is well formed."""
    html = written(unet, faces(), tmp_path)
    found = page(html)
    assert (found.wrong, found.open) == ([], [])
    assert found.values("section", "id") == ["restoration", "pictures", "training", "errors", "details"]
    assert not any(word in found.text for word in ("Compression", "PCA", "transform("))
    assert "told how strong the noise is" in found.text
    assert all(word in found.text for word in ("gaussian-noise 0.2", "restored = model.denoise(X)", "left as they are"))


def test_with_a_latent(dense, tmp_path, page):
    """PCA, the latent map and the compression stay, beside the restoration."""
    found = page(written(dense, faces(), tmp_path))
    assert found.values("section", "id") == [
        "restoration", "baseline", "pictures", "training", "errors", "latent", "details",
    ]  # fmt: skip
    assert "Compression" in found.text
    assert "know of no other damage" in found.text
    assert "gaussian-noise 0.1 | holes 1" in found.text


def test_of_a_table(table, tmp_path, page):
    """Rows have no filters beside them; their columns are those of restoration."""
    found = page(written(table, homes(), tmp_path))
    assert found.values("section", "id") == [
        "restoration", "baseline", "columns", "training", "errors", "latent", "details",
    ]  # fmt: skip
    assert "Each clean row was spoiled by swap 0.2" in found.text
    assert "restoration of the spoiled rows" in found.text
    assert "median" not in found.text.split("Columns")[0]


@pytest.mark.parametrize("kind", ["unet", "dense", "table"])
def test_errors_are_those_of_restoration(kind, request):
    """The mean errors are those of `compare`: spoiled in, clean wanted."""
    model, X = request.getfixturevalue(kind), homes() if kind == "table" else faces()
    found, truth = measure(model, X), model.compare(X)
    assert found.restores
    assert found.ours.mean == truth["error"]
    assert (None if found.theirs is None else found.theirs.mean) == truth["pca_error"]
    assert (None if found.untouched is None else found.untouched.mean) == truth["untouched_error"]


def test_columns_are_restored_from_spoiled_rows():
    """Where every cell is lost, no column comes back, though the model would give back clean rows well."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, 1)) * [1.0, 2.0, 3.0], columns=list("abc"))
    model = isthmus.DenoisingAutoencoder(GaussianNoise(10.0), latent_dim=1, **SETTINGS).fit(frame)
    assert model.score(frame) > 0.5
    found = measure(model, frame)
    assert max(column.explained for column in best_first(found)) < 0.5
    seen, came = (float(text) for text in (causes(found)[0][0].seen, causes(found)[0][0].reconstructed))
    assert abs(seen - came) > 1


def test_strips_hold_every_form(unet, dense):
    """Each picture is shown clean, spoiled, restored and through a median filter, and by PCA where there is one."""
    from isthmus.views.restored import restoration

    for model, more in ((unet, []), (dense, ["PCA"])):
        (strip,) = restoration(measure(model, faces())).strips
        assert [name for name, _ in strip.rows] == ["Clean", "Spoiled", "Restored", "Median", *more]
        assert len({tiles.tobytes() for _, tiles in strip.rows[:4]}) == 4


def test_pairs(tmp_path, page):
    """A model of pairs is measured on the pairs that are given."""
    X = faces()
    noisy = GaussianNoise(0.2).apply(X, 0)
    model = isthmus.DenoisingAutoencoder(latent_dim=3, **SETTINGS).fit(noisy, X)
    assert measure(model, noisy, clean=X).ours.mean == model.compare(noisy, X)["error"]
    assert "Each spoiled picture that was given" in page(written(model, noisy, tmp_path, clean=X)).text


def test_pairs_of_tables_with_labels(tmp_path):
    """Labels are a column of the clean rows, which the model does not know."""
    clean, noisy = homes(), homes().assign(size=lambda frame: frame["size"] + 1)
    model = isthmus.DenoisingAutoencoder(latent_dim=2, **SETTINGS).fit(noisy, clean)
    labels = ["a", "b"] * 40
    assert "</html>" in written(model, noisy, tmp_path, clean=clean, labels=labels)
    assert measure(model, noisy, clean=clean).ours.mean == model.compare(noisy, clean)["error"]


def test_pngs_have_names_of_their_own(unet, tmp_path):
    """The strips come beside the page on request."""
    isthmus.report(unet, faces(), tmp_path / "r.html", png=True)
    assert {f.name for f in tmp_path.glob("*.png")} == {f"r-{n}.png" for n in ("restored", "worst", "loss", "errors")}


def test_colours_and_missing_pixels(tmp_path):
    """Channels first, and pictures with gaps, which filters are not run on."""
    X = np.stack([faces(20) / 255.0] * 3, axis=1)
    X[:, :, 0, 0] = np.nan
    model = isthmus.DenoisingAutoencoder(Holes(), latent_dim=2, **SETTINGS).fit(X)
    assert "have missing pixels" in written(model, X, tmp_path)


def test_large_pictures_say_how_many_were_filtered(unet, tmp_path, monkeypatch):
    """Of many pictures the filters see some, and the page says how many."""
    monkeypatch.setattr("isthmus.models.restoring.MOST", 7)
    assert "On 7 pictures of 40" in written(unet, faces(), tmp_path)


def test_worse_than_guessing_is_said(table, tmp_path, monkeypatch):
    """An error above that of the mean is called that."""
    monkeypatch.setattr("isthmus.views.measured.Errors.mean", 2.0)
    assert "worse than always guessing the average" in written(table, homes(), tmp_path)


@pytest.mark.parametrize(
    ("model", "X", "clean", "error", "match"),
    [
        (isthmus.Autoencoder(1, max_epochs=0), faces(), faces(), ParameterError, "leave it out for this model"),
        (
            isthmus.DenoisingAutoencoder(latent_dim=1, max_epochs=0),
            faces(),
            None,
            ParameterError,
            "clean= .--clean. their",
        ),
        (isthmus.DenoisingAutoencoder(latent_dim=1, max_epochs=0), faces(), faces(9), DataError, "must be pairs"),
    ],
)
def test_what_cannot_be_measured(tmp_path, model, X, clean, error, match):
    """Clean rows for a model that restores nothing, none for one of pairs, and rows that are no pairs."""
    fitted = model.fit(X, X)
    with pytest.raises(error, match=match):
        isthmus.report(fitted, X, tmp_path / "r.html", clean=clean)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("ours", "words"),
    [
        (9.9, "no better than leaving the pictures as they are"),
        (12.0, "1.0 dB better than the model, and needs no training"),
        (13.02, "as good as the best filter (median)"),
        (20.0, "7.0 dB better than the best filter (median), and 10.0 dB better than the spoiled pictures"),
    ],
)
def test_words_say_which_is_best(ours, words):
    """The sentence says it as it is, also where a filter wins."""
    rows = [Row("untouched", 0.1, 10.0, 0.2), Row("median", 0.05, 13.0, 0.3), Row("non-local means", note="needs it")]
    assert words in in_words([*rows, Row("this model", 0.01, ours, 0.9)])


def test_without_any_filter():
    """Where no filter could be run, the spoiled pictures are all there is to compare with."""
    assert "10.0 dB better than the spoiled" in in_words([Row("untouched", 1, 5, 0), Row("this model", 0.1, 15, 0.5)])
    assert cells(Row("median", note="needs scikit-image")) == ("needs scikit-image", "", "")
