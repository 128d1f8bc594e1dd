"""The report: one file that holds what it should and nothing that it should not."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import isthmus
from isthmus.errors import DataError, OutputError, ParameterError

SECTIONS = {"baseline", "training", "errors", "latent", "details"}


@pytest.fixture
def path(tmp_path):
    """Where a test writes its report."""
    return tmp_path / "report.html"


def written(model, X, path, **options):
    """The text of a report."""
    return isthmus.report(model, X, path, **options).read_text(encoding="utf-8")


def test_page_is_well_formed(html, page):
    """Every tag that opens is closed, in order."""
    found = page(html)
    assert found.wrong == []
    assert found.open == []


def test_page_stands_alone(html, page):
    """Nothing is loaded, run or linked: no script, no address, no event handler, pictures as data."""
    found = page(html)
    assert not {"script", "link", "iframe", "object", "form", "base"} & {tag for tag, _ in found.tags}
    assert not [name for _, attrs in found.tags for name in attrs if name.startswith("on")]
    assert not re.search(r"https?:|@import|@font-face", html)
    assert all(source.startswith("data:image/png;base64,") for source in found.values("img", "src"))
    assert all(target.startswith("#") for target in found.values("use", "href"))


def test_page_forbids_loading(html, page):
    """A policy in the page forbids everything but its own styles and pictures."""
    assert (
        page(html)
        .values("meta", "content")[0]
        .startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    )


def test_ids_are_unique(html, page):
    """No id stands twice, so no chart borrows a part of another."""
    ids = [attrs["id"] for _, attrs in page(html).tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_numbers_of_compare(case, html, page):
    """The errors and their ratio are those of `compare`."""
    text = page(html).text
    assert all(f"{value:.4f}" in text for value in case.model.compare(case.rows).values())


def test_sections(case, html, page):
    """Every kind of data gets its sections, pictures or columns among them."""
    own = "pictures" if np.ndim(case.rows) == 3 else "columns"
    assert set(page(html).values("section", "id")) == SECTIONS | {own}


def test_same_bytes(case, html, path):
    """The same model and rows give the same bytes."""
    assert written(case.model, case.X, path, labels=case.labels) == html


def test_names_are_escaped(table, path, page):
    """A hostile column name, label or title is shown as text."""
    html = written(table.model, table.X, path, labels="segment", title="<script>alert(1)</script>")
    found = page(html)
    assert not found.values("img", "onerror")
    assert '<img src="x" onerror="alert(1)">' in found.text
    assert {"<b>gone</b>", "<script>alert(1)</script>"} <= set(
        re.findall(r"<b>gone</b>|<script>.*?</script>", found.text)
    )


def test_max_epochs_0(pictures, path):
    """A network that was not trained is PCA, and the report says to use PCA."""
    model = isthmus.Autoencoder(4, max_epochs=0, random_state=0).fit(pictures.X)
    assert "not better than PCA here, so use PCA" in written(model, pictures.X, path)


def test_without_pca(array, path):
    """Without PCA to compare with, the mean row stands in."""
    model = isthmus.Autoencoder(2, max_epochs=1, hidden_dims=(8,), random_state=0).fit(array.X)
    model.baseline_ = None
    html = written(model, array.X, path, png=True)
    assert "guessing the mean row leaves all of it" in html
    assert "stroke: var(--pca)" in html  # epoch 0 of the loss curves


@pytest.mark.parametrize(
    "options", [{"validation_fraction": 0.0}, {"scaling": "none"}, {"loss": "mae"}, {"latent_dim": 1}]
)
def test_other_fits(array, path, options):
    """Fits with other settings have a report too."""
    model = isthmus.Autoencoder(
        **{"latent_dim": 2, "max_epochs": 2, "hidden_dims": (8,), "random_state": 0, **options}
    ).fit(array.X[:, :5])
    assert "</html>" in written(model, array.X[:, :5], path, labels=["a", None] * 30)


def test_partial_fit(array, path):
    """A model of `partial_fit` has no epoch 0 and still a report."""
    model = isthmus.Autoencoder(2, random_state=0).partial_fit(array.X).partial_fit(array.X)
    assert "epoch 0" not in written(model, array.X, path)


def test_one_row(table, path):
    """A single row is enough."""
    assert "</html>" in written(table.model, table.rows[:1], path)


def test_colour_pictures(path):
    """Pictures with channels first keep their colours."""
    X = np.random.default_rng(0).integers(0, 256, (12, 3, 9, 17), dtype=np.uint8)
    model = isthmus.Autoencoder(2, max_epochs=1, hidden_dims=(8,), random_state=0).fit(X)
    assert "9\xa0×\xa017 pixels in 3 channels" in written(model, X, path)


def test_constant_and_missing_columns(path):
    """Columns without variance or without cells are no obstacle."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=40), "same": 1.0, "b": rng.normal(size=40)})
    model = isthmus.Autoencoder(1, max_epochs=1, hidden_dims=(8,), random_state=0).fit(frame)
    assert "</html>" in written(model, frame.assign(a=np.nan), path)


def test_path_is_named_without_folder(table, path, tmp_path):
    """A file is called by its name; nothing tells where it lay."""
    table.rows.to_csv(tmp_path / "rows.csv", index=False)
    html = written(table.model, tmp_path / "rows.csv", path)
    assert "Autoencoder on rows.csv" in html
    assert str(tmp_path) not in html


def test_pngs(pictures, path):
    """The pictures and charts come beside the page on request."""
    isthmus.report(pictures.model, pictures.X, path, labels=pictures.labels, png=True)
    names = {f"report-{name}.png" for name in ("loss", "errors", "latent", "pictures", "worst")}
    made = {file.name: file.read_bytes() for file in path.parent.glob("*.png")}
    assert set(made) == names
    assert all(content.startswith(b"\x89PNG") for content in made.values())


def test_unwritable(pictures, tmp_path):
    """A folder that is not there is an error before any work."""
    with pytest.raises(OutputError, match="there is no folder"):
        isthmus.report(pictures.model, pictures.X, tmp_path / "no" / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_unwritable_png(pictures, path):
    """Where one of the files cannot be written, none is."""
    blocked = path.with_name("report-loss.png")
    blocked.mkdir()
    with pytest.raises(OutputError, match="it is a folder"):
        isthmus.report(pictures.model, pictures.X, path, png=True)
    assert list(path.parent.iterdir()) == [blocked]


def test_rows_of_another_shape(pictures, path):
    """Rows that do not fit the model leave no file."""
    with pytest.raises(DataError, match="do not fit the model"):
        isthmus.report(pictures.model, pictures.X[:, :4], path)
    assert not path.exists()


def test_no_model(pictures, path):
    """Something else than a model is refused by name."""
    with pytest.raises(ParameterError, match="fitted isthmus autoencoder; got a str"):
        isthmus.report("model", pictures.X, path)


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        ([1, 2], r"one value for each of the 60 rows; got an array of shape \(2,\)"),
        (np.zeros((60, 2)), r"shape \(60, 2\)"),
        ([[1], [1, 2]], "values of different lengths"),
        ("digit", "these data have no column names"),
    ],
)
def test_wrong_labels(pictures, path, labels, match):
    """Labels that do not fit the rows are an error that says how many there must be."""
    with pytest.raises(DataError, match=match):
        isthmus.report(pictures.model, pictures.X, path, labels=labels)


def test_unknown_label_column(table, path):
    """A label column that is not there is an error with those that are."""
    with pytest.raises(DataError, match="no such column; they have age, price"):
        isthmus.report(table.model, table.X, path, labels="sgment")
