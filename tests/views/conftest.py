"""Small fitted models of each kind of data, and a reader of pages."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

import isthmus

HOSTILE = '<img src="x" onerror="alert(1)">'
NO_END = {"meta", "img", "br"}


class Page(HTMLParser):
    """What stands in a page: its tags with their attributes, its text, and tags that are closed out of order."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.open, self.wrong = [], "", [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in NO_END:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        self.text += data

    def values(self, tag, name):
        """The values of an attribute of all tags of a name."""
        return [attrs[name] for found, attrs in self.tags if found == tag and name in attrs]


class Case(NamedTuple):
    """A model, rows as it knows them, rows with labels as a report takes them, and the labels."""

    model: object
    rows: object
    X: object
    labels: object


def fitted(X, latent_dim):
    """A small model."""
    model = isthmus.Autoencoder(latent_dim, hidden_dims=(8,), max_epochs=3, random_state=0).fit(X)
    model.block_rows_ = 64  # padding to thousands of rows would take most of the tests' time
    return model


@pytest.fixture(scope="session")
def page():
    """What stands in the text of a page."""
    return Page


@pytest.fixture(scope="session")
def pictures():
    """Handwritten digits of 8 x 8 pixels."""
    digits = load_digits()
    X = digits.images[:60]
    return Case(fitted(X, 8), X, X, digits.target[:60])


@pytest.fixture(scope="session")
def table():
    """Numbers, categories, flags and dates with gaps, a column with a hostile name, and a label column."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, 150)
    frame = pd.DataFrame({
        "age": (30 + 8.0 * group + rng.normal(0, 3, 150)).round(),
        "price": np.exp(rng.normal(group, 0.5)),
        "country": np.array(["NL", "DE", "Österreich"])[group],
        "paid": pd.array(rng.random(150) < 0.2 + 0.3 * group, dtype="boolean"),
        "joined": pd.Timestamp("2020-01-01") + pd.to_timedelta(100 * group + rng.integers(0, 90, 150), unit="D"),
        HOSTILE: rng.normal(size=150) + group,
    })  # fmt: skip
    for name in frame.columns:
        frame[name] = frame[name].mask(rng.random(150) < 0.1)
    model = fitted(frame, 2)
    return Case(model, frame, frame.assign(segment=np.array(["new", "old", "<b>gone</b>"])[group]), "segment")


@pytest.fixture(scope="session")
def array():
    """Fifty columns without names, made from three."""
    X = np.random.default_rng(0).normal(size=(60, 3)) @ np.random.default_rng(1).normal(size=(3, 50))
    return Case(fitted(X, 2), X, X, X[:, 0])


@pytest.fixture(scope="session", params=["pictures", "table", "array"])
def case(request):
    """Each kind of data in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def html(case, tmp_path_factory):
    """The report of a case."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    return isthmus.report(case.model, case.X, path, labels=case.labels).read_text(encoding="utf-8")
