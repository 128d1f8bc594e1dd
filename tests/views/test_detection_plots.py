"""The charts of a detector: an axis without an end, thresholds at their places, rankings."""

from __future__ import annotations

import numpy as np

from isthmus.models.rivals import OURS, PCA, Contest, Way
from isthmus.views import detection_plots as plots
from isthmus.views.charts import as_png, as_svg

CALIBRATION = np.random.default_rng(0).exponential(size=80)


def test_squeezed_keeps_the_order():
    """Scores keep their order on the squeezed axis, however far; near zero they stay as they are."""
    scores = np.array([-5.0, 0.0, 1e-3, 1.0, 1e3, 1e12])
    assert (np.diff(plots.squeezed(scores, 1.0)) > 0).all()
    assert np.isclose(plots.squeezed(1e-3, 1.0), 1e-3)


def test_score_chart_names_every_rule():
    """Rules with one threshold share a line; the names stand in the drawing."""
    marks = [("conformal", 3.0), ("quantile", 3.0), ("mean + 3 deviations", 4.0)]
    svg = as_svg(plots.score_chart(CALIBRATION, [("rows", "ours", np.array([0.5, 1e9]))], marks, 3.0))
    assert "conformal, quantile" in svg
    assert "mean + 3 deviations" in svg


def test_score_chart_of_equal_scores():
    """Scores that are all one make a chart, too."""
    same = np.zeros(20)
    assert as_svg(plots.score_chart(same, [("rows", "ours", same[:1])], [("conformal", 0.0)], 0.0))


def test_rankings_and_signals_are_drawn():
    """Curves of a contest, with nothing flagged as well, and an odd number of signals."""
    odd = np.arange(20) < 5
    contest = Contest((Way(OURS, np.arange(20.0)), Way(PCA, -np.arange(20.0))), odd)
    charts = plots.roc_chart(contest, 9.0), plots.precision_chart(contest, 99.0)
    walks = CALIBRATION[:60].reshape(3, 20)
    for chart in (*charts, plots.signal_chart(walks, walks, ["a", "b", "c"])):
        assert as_png(chart)[:4] == b"\x89PNG"
