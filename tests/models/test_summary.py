"""Tests of `isthmus.models.summary`: what a model says of itself."""

from __future__ import annotations

import html.parser

import numpy as np
import pandas as pd

from isthmus import DenoisingAutoencoder
from isthmus.models.summary import best_epoch, layer_rows, outcome


class Checker(html.parser.HTMLParser):
    """Keeps the open tags, to see that each is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_plan_and_the_parameters_are_told(pair):
    """The summary names each choice of the plan, the number of parameters and the memory."""
    model, _ = pair
    text = model.summary()
    n_parameters = sum(p.numel() for p in model.network_.parameters())
    for words in (
        "plan",
        "layers",
        "learning_rate",
        f"{n_parameters:,} (",
        "MiB",
        "multiply-adds a row",
        "rows in a block",
    ):
        assert words in text


def test_notes_are_told(quick, data):
    """What is worth knowing stands at the end."""
    model = quick(9).fit(data.curve())
    assert "note: latent_dim=9 is not smaller than the 6 encoded columns" in model.summary()


def test_layers_add_up(pair):
    """The parameters of the layers sum to those of the network."""
    network = pair[0].network_
    assert sum(n for _, _, n in layer_rows(network)) == sum(p.numel() for p in network.parameters())


def test_the_outcome_names_the_start(quick, data):
    """Where PCA is kept this is said; where training is better, both errors are."""
    noise = np.random.default_rng(0).normal(size=(100, 6))
    assert "PCA (epoch 0) was kept" in outcome(quick().fit(noise))
    learnt = quick(max_epochs=20).fit(data.curve(400))
    assert f"after epoch {best_epoch(learnt.history_)['epoch']:.0f}, PCA (epoch 0):" in outcome(learnt)
    assert "the start (epoch 0)" in outcome(quick(output="sigmoid").fit(data.curve()))


def test_the_notebook_shows_a_table(pair):
    """The HTML is well formed and holds the plan."""
    checker = Checker()
    checker.feed(pair[0]._repr_html_())
    assert checker.open == []
    assert {"table", "tr", "td"} <= checker.seen


def test_the_notebook_escapes_what_it_shows(quick):
    """Names and notes from the data cannot write HTML."""
    frame = pd.DataFrame({"<script>alert(1)</script>": [1.0] * 20, "b": np.arange(20.0)})
    model = quick(1).fit(frame)
    model.notes_ = (*model.notes_, "<img src=x>")
    assert "<script>" not in model._repr_html_()
    assert "<img" not in model._repr_html_()


def test_the_notebook_before_the_fit(quick):
    """An unfitted estimator shows scikit-learn's own diagram."""
    assert "Autoencoder" in quick()._repr_html_()


def test_the_outcome_of_partial_fits(quick, data):
    """Passes have no epoch 0 to be compared with."""
    words = outcome(quick().partial_fit(data.curve()).partial_fit(data.curve()))
    assert "of 2" in words
    assert "epoch 0" not in words


def test_a_network_without_a_latent_says_so():
    """Nothing is called a latent of size 0."""
    X = np.random.default_rng(0).uniform(size=(20, 16, 16))
    model = DenoisingAutoencoder(hidden_dims=(4, 4), max_epochs=0, random_state=0).fit(X)
    assert "no latent" in model.summary().splitlines()[0]
