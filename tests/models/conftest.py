"""What the tests of estimators share: small data of every form, and models fitted to them once."""

from __future__ import annotations

import functools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from isthmus import Autoencoder

N = 90


def curve(n=N, seed=0):
    """Rows along a curve with noise, (n, 6), in units of very different size."""
    t = np.random.default_rng(seed).uniform(0, 6.28, n)
    waves = np.stack([f(k * t) for k in (1, 2, 3) for f in (np.sin, np.cos)], axis=1)
    return (waves + np.random.default_rng(seed + 1).normal(0, 0.05, waves.shape)) * [1, 2, 5, 50, 0.1, 3] + [
        0,
        1,
        2,
        3,
        4,
        900,
    ]


def pictures(n=N, shape=(7, 6), seed=0):
    """Smooth pictures of bytes, (n, *shape)."""
    r = np.random.default_rng(seed)
    waves = np.sin(r.uniform(0, 6, (n, 1)) + np.linspace(0, 5, int(np.prod(shape))))
    return (127 + 100 * waves + r.normal(0, 5, waves.shape)).clip(0, 255).astype(np.uint8).reshape(n, *shape)


def mixed(n=N, seed=0, *, gaps=True):
    """A pandas frame with a column of each kind that follow one factor, gaps and an index of words."""
    r = np.random.default_rng(seed)
    t = r.normal(size=n)
    frame = pd.DataFrame(
        {
            "weight": t * 3 + r.normal(0, 0.1, n),
            "place": np.where(t > 0.5, "north", np.where(t > -0.5, "mid", "south")).astype(object),
            "member": pd.array(t > 0, dtype="boolean"),
            "visits": np.rint(t * 10 + 50).astype(np.int64),
            "joined": np.datetime64("2020-01-01", "us") + np.rint(t * 200 + 900).astype("timedelta64[D]"),
            "team": pd.Categorical(np.where(t > 0, "red", "blue")),
            "age": np.rint(t * 5 + 40).astype(np.float32),
        },
        index=[f"row {i}" for i in range(n)],
    )
    if gaps:
        for j, name in enumerate(["weight", "place", "member", "joined"]):
            frame.loc[frame.index[j::9], name] = None
    return frame


FORMS = {
    "floats": curve,
    "single floats": lambda: curve().astype(np.float32),
    "integers": lambda: np.rint(curve() * 3).astype(np.int32),
    "flags": lambda: curve() > curve().mean(axis=0),
    "gaps": lambda: np.where(np.random.default_rng(5).random((N, 6)) < 0.1, np.nan, curve()),
    "pandas": mixed,
    "polars": lambda: pl.from_pandas(mixed().reset_index(drop=True)),
    "arrow": lambda: pa.Table.from_pandas(mixed(), preserve_index=False),
    "pictures": pictures,
    "colour pictures": lambda: pictures(shape=(5, 4, 3)),
    "float pictures": lambda: pictures(shape=(3, 5, 6)).astype(np.float32) / 255,
}


def take(data, rows):
    """Some rows of data of any form."""
    rows = np.asarray(rows)
    if isinstance(data, pd.DataFrame):
        return data.iloc[rows]
    if isinstance(data, pa.Table):
        return data.take(pa.array(rows))
    return data[rows]


@functools.cache
def fitted(name):
    """A model fitted to data of a form, and the data."""
    data = FORMS[name]()
    return Autoencoder(2, max_epochs=2, batch_size=32, random_state=0).fit(data), data


@pytest.fixture(params=FORMS)
def pair(request):
    """A fitted model and its data, of every form."""
    return fitted(request.param)


@pytest.fixture(scope="session")
def data():
    """The functions that make data, and the one that takes rows of them."""
    return SimpleNamespace(curve=curve, pictures=pictures, mixed=mixed, take=take, forms=FORMS, fitted=fitted)


@pytest.fixture
def quick():
    """A function that makes an unfitted model of two epochs; parameters may change it."""
    return lambda latent_dim=2, **changes: Autoencoder(
        latent_dim, **{"max_epochs": 2, "batch_size": 32, "random_state": 0, **changes}
    )
