"""What the charts are drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.views.charts import as_svg
from isthmus.views.labels import group_labels
from isthmus.views.plots import histogram_chart, latent_axes, latent_chart, loss_chart


def test_latent_axes_are_pca():
    """The two axes hold the shares of variance that singular values give, largest first."""
    latents = np.random.default_rng(0).normal(size=(100, 5)).astype(np.float32) * [1, 3, 2, 0.5, 0.1]
    points, shares = latent_axes(latents.astype(np.float32))
    squares = np.linalg.svd(latents - latents.mean(axis=0), compute_uv=False) ** 2
    assert shares == pytest.approx(squares[:2] / squares.sum(), rel=1e-4)
    assert points.var(axis=0)[0] > points.var(axis=0)[1]


def test_latents_that_do_not_vary():
    """Latents that are all the same hold no variance."""
    points, shares = latent_axes(np.ones((5, 3), np.float32))
    assert not points.any()
    assert not shares.any()


def test_groups_have_colours():
    """Each group has a colour of its own, in the legend as on the points."""
    labels = group_labels(["b", "a", None], "y")
    legend = dict(latent_chart(np.zeros((3, 2)), np.array([0.5, 0.5]), labels, np.zeros(3)).legend)
    assert list(legend) == ["a", "b", "no label"]
    assert len(set(legend.values())) == 3


def test_scale_of_labels():
    """Labels that are numbers have a legend from the smallest to the largest."""
    labels = group_labels([float(i) for i in range(90)], "y")
    legend = latent_chart(np.zeros((90, 2)), np.array([0.5, 0.5]), labels, np.zeros(90)).legend
    assert legend[0][0].startswith("0 – ")
    assert legend[-1][0].endswith(" – 89")


@pytest.mark.parametrize("last", [0.5, 1e-4])
def test_loss_chart(last):
    """The curves are drawn for small and large falls, with epoch 0 in the legend."""
    history = [{"epoch": e, "training_loss": v, "validation_loss": v} for e, v in enumerate([1.0, 0.7, last])]
    chart = loss_chart(history, history[-1], "epoch 0: PCA", "validation", "error")
    assert ("epoch 0: PCA", "#c06c2b") in chart.legend
    assert "<path" in as_svg(chart)


def test_histogram_of_equal_errors():
    """Rows that all have error 0 are drawn too."""
    assert "<path" in as_svg(histogram_chart(np.zeros(5), None, (0.0, 0.0), as_percent=True))
