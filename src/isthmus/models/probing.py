"""How good latents are as features: what two simple classifiers make of them, of PCA's components and of the raw columns.

In: a fitted model, rows, and a label for each. Out: a `Probe`. The model was fitted without labels and stays as it is; the
labels only measure. All features see the same rows: the classifiers learn from some of them and are tested on the others.

A linear classifier (logistic regression on standardised features) asks whether the classes lie on the two sides of a plane,
nearest neighbours whether rows that lie close are of one class (Alain, Bengio 2016, "Understanding intermediate layers
using linear classifier probes").
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from isthmus.allowed import Allowed
from isthmus.data.notes import some
from isthmus.data.readers import as_data
from isthmus.data.table import Table
from isthmus.errors import DataError, IsthmusWarning, ParameterError
from isthmus.models.accuracy import Hits, Matrix, Score, accuracy, gain, linear_hits, neighbour_hits
from isthmus.models.base import BaseAutoencoder
from isthmus.models.classes import Places, as_classes, at_most, split
from isthmus.models.inputs import Data, kinds_of_fit, read_input, warn_of
from isthmus.nets.seeding import draw_seed
from isthmus.parameters import check_value
from isthmus.prep.rows import EncodedRows

MOST_TRAINING, MOST_TEST = 10_000, 5_000
"""Rows that the classifiers learn from and are tested on, at most: standard errors are then below 0.7 points."""
MOST_WORK = 10**8
"""Rows to learn from times columns times classes, at most: about ten seconds."""
LATENTS, PCA, RAW = "latents", "PCA components", "raw columns"


@dataclass(frozen=True)
class Features:
    """One way to describe a row, and the accuracy of both classifiers on it.

    Attributes
    ----------
    name : latents, PCA components or raw columns.
    size : numbers in a row.
    linear, neighbours : accuracy on the test rows.
    """

    name: str
    size: int
    linear: Score
    neighbours: Score


@dataclass(frozen=True, repr=False)
class Probe:
    """What `probe` found; prints as a table.

    Attributes
    ----------
    features : latents, PCA components (where the model has PCA) and raw columns.
    linear_gain, neighbours_gain : accuracy on latents less that on PCA components, on the same test rows; None without PCA.
    n_neighbours : neighbours that vote.
    n_classes, training_rows, test_rows : sizes.
    usual : accuracy of always answering the most frequent class.
    """

    features: tuple[Features, ...]
    linear_gain: Score | None
    neighbours_gain: Score | None
    n_neighbours: int
    n_classes: int
    training_rows: int
    test_rows: int
    usual: float

    def __repr__(self) -> str:
        rows = [("features", "numbers", "linear", f"{self.n_neighbours}-NN")]
        rows += [(f.name, f"{f.size:,}", f.linear.text(), f.neighbours.text()) for f in self.features]
        if self.linear_gain and self.neighbours_gain:
            rows.append(("latents less PCA", "", self.linear_gain.text("+"), self.neighbours_gain.text("+")))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
            for row in rows
        ]
        without = "" if self.linear_gain else " Without PCA, which would have been larger than the network."
        lines += [
            f"Accuracy and its standard error on {self.test_rows:,} test rows; {self.training_rows:,} rows to learn from, "
            f"{self.n_classes:,} classes.",
            f"Always answering the most frequent class: {100 * self.usual:.2f} %.{without}",
        ]
        return "\n".join(line.rstrip() for line in lines)


def probe(
    model: Any, X: Any, labels: Any, *, test_fraction: float = 0.25, neighbours: int = 5, random_state: Any = 0
) -> Probe:
    """Measure how well classifiers do on the latents of ``model``, beside PCA's components and the raw columns.

    The model was fitted without labels and is not changed: the labels only measure it. For an honest figure, the rows of
    ``X`` should be rows that the model was not fitted to; labels are not needed for the fit itself.

    Parameters
    ----------
    model : Autoencoder
        Fitted.
    X : array, frame, pictures or path
        Anything that the model's ``transform`` takes.
    labels : sequence of n_samples values, or str
        The class of each row, or the name of a column of ``X``, which the model need not know and which is then no feature.
        Rows without a label (None, NaN) are left out.
    test_fraction : float in (0, 1), default 0.25
        Share of each class that tests; at least one row of it. About 10,000 rows are learnt from and 5,000 tested at most,
        drawn with the seed; fewer to learn from where columns times classes exceed 10,000.
    neighbours : int >= 1, default 5
        Training rows that vote on the class of a test row.
    random_state : int, RandomState or None, default 0
        Seed of the split.

    Returns
    -------
    Probe
        Accuracies with their standard errors over the test rows (plus-four rule, Agresti, Coull 1998), and the gain of the
        latents over PCA with the standard error of paired answers (Agresti, Min 2005). They do not tell by how much another
        fit or split would differ.

    Raises
    ------
    ParameterError : ``model`` is no autoencoder of isthmus or has no latent, or another argument is out of range.
    DataError, DataTypeError : rows that do not fit the model, labels that do not fit the rows or are no classes.

    Notes
    -----
    Linear: multinomial logistic regression on features scaled to mean 0 and variance 1, its penalty chosen on training
    rows held back, for each kind of features by itself; without that, raw columns, which are many, would look worse than
    they are. Neighbours: Euclidean distance between features as they are. The raw columns are the encoded rows that the
    network sees, missing cells 0.

    Examples
    --------
    >>> import isthmus
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = isthmus.Autoencoder(latent_dim=2, random_state=0).fit(X)
    >>> found = probe(model, X, y)
    >>> [f.name for f in found.features], found.test_rows
    (['latents', 'PCA components', 'raw columns'], 36)
    >>> found.features[0].linear.value > 0.8
    True
    """
    if not isinstance(model, BaseAutoencoder):
        raise ParameterError(f"model must be a fitted isthmus autoencoder; got a {type(model).__name__}.")
    check_is_fitted(model)
    if not hasattr(model, "transform"):
        raise ParameterError(f"this {type(model).__name__} has no latent to probe; fit one whose network has.")
    share = Allowed("", number="float", low=0, high=1, open_low=True, open_high=True)
    check_value("test_fraction", test_fraction, share, "probe")
    data, values = _rows_and_labels(model, X, labels)
    classes = as_classes(values, len(data))
    if len(classes.rows) < len(data):
        left_out = len(data) - len(classes.rows)
        warn_of((f"{left_out:,} of {len(data):,} rows have no label and are left out.",))
    draw = np.random.default_rng(draw_seed(random_state))
    training, test = split(classes.codes, test_fraction, draw)
    work_of_a_row = model.encoder_.layout.n_targets * len(classes.names)
    training = at_most(training, classes.codes, min(MOST_TRAINING, MOST_WORK // work_of_a_row), draw)
    test = at_most(test, classes.codes, MOST_TEST, draw)
    check_value("neighbours", neighbours, Allowed("", number="int", low=1, high=len(training)), "probe")
    learnt, asked = (features_of(model, rows_at(data, classes.rows[part])) for part in (training, test))
    return compare(learnt, classes.codes[training], asked, classes.codes[test], neighbours, draw)


def features_of(model: Any, data: Data) -> dict[str, Matrix]:
    """The rows as each kind of features, (n_samples, size), by name.

    Parameters
    ----------
    data : rows that the model's preparation adopted.
    """
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the rows were adopted before, and what was noticed then was said
        found[LATENTS] = model.transform(data)
        if model.baseline_ is not None:
            twin = copy.copy(model)
            twin.network_ = model.baseline_
            found[PCA] = twin.transform(data)
    rows = EncodedRows(data, model.encoder_)
    found[RAW] = rows.slice(0, len(rows)).nan_to_num().flatten(1).numpy()
    return found


def compare(
    learnt: Mapping[str, Matrix],
    codes: Places,
    asked: Mapping[str, Matrix],
    truth: Places,
    neighbours: int,
    draw: np.random.Generator,
) -> Probe:
    """Both classifiers on each kind of features.

    Parameters
    ----------
    learnt, asked : features of the rows to learn from and of the rows to test, by name, (n_samples, size) each.
    codes, truth : their classes.
    neighbours : that vote.
    draw : chance, for the choice of the penalty.
    """
    seed = int(draw.integers(2**31))
    hits: dict[str, tuple[Hits, Hits]] = {}
    for name, features in learnt.items():
        given = features, codes, asked[name], truth
        # The same chance for each, so that none has the luckier draw of rows held back.
        linear = linear_hits(*given, np.random.default_rng(seed))
        hits[name] = linear, neighbour_hits(*given, neighbours)
    features_found = tuple(
        Features(name, learnt[name].shape[1], accuracy(linear), accuracy(near)) for name, (linear, near) in hits.items()
    )
    gains = [gain(*pair) for pair in zip(hits[LATENTS], hits[PCA], strict=True)] if PCA in hits else [None, None]
    return Probe(
        features_found, gains[0], gains[1], neighbours, len(np.unique(np.concatenate([codes, truth]))),
        len(codes), len(truth), float((truth == np.bincount(codes).argmax()).mean()),
    )  # fmt: skip


def rows_at(data: Data, places: Places) -> Data:
    """The rows at ``places``."""
    return data.take(places) if isinstance(data, Table) else data[places]


def _rows_and_labels(model: BaseAutoencoder, X: Any, labels: Any) -> tuple[Data, Any]:
    """The rows in the columns of the model, and the labels; those of a column of ``X`` are taken out of the rows."""
    rows = X
    if isinstance(labels, str):
        rows, labels = _from_column(model, X, labels)
    data, notes = model.encoder_.adopt(read_input(model, rows, reset=False))
    warn_of(notes)
    return data, labels


def _from_column(model: BaseAutoencoder, X: Any, name: str) -> tuple[Table, list[Any]]:
    known, table = kinds_of_fit(model), as_data(X)
    if not isinstance(table, Table):
        raise DataError(f"labels={name!r} names a column, but these data have no column names; give one value per row.")
    if name not in table.columns.column_names:
        raise DataError(f"labels={name!r}: the data have no such column; they have {some(table.columns.column_names)}.")
    values = table.columns[name].to_pylist()
    if known is None:
        return table.select(used for used in table.names if used != name), values
    if name in known:
        warnings.warn(
            f"the model was fitted with the column {name!r} itself, so its latents and the raw columns may hold the answer; "
            "fit without it.", IsthmusWarning, stacklevel=4,
        )  # fmt: skip
        return as_data(X, fitted=known), values
    # Read once more, now with the kinds of fit: text that looks like a number stays the category that it was.
    table = as_data(X, fitted={name: table.kinds.get(name, "category"), **known})
    return table.select(known), values
