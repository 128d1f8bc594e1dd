"""From the name of a rule to a threshold."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus import AnomalyDetector, thresholds
from isthmus.errors import ParameterError
from isthmus.models.thresholding import LABELLED, OPTIONS, Rule, first_rule, rule_of, threshold_of
from isthmus.parameters import THRESHOLDS

R = np.random.default_rng(0)
CALIBRATION = np.sort(R.exponential(size=300))
SCORES = np.r_[R.exponential(size=80), 5 + R.exponential(size=20)]
LABELS = np.r_[np.zeros(80, int), np.ones(20, int)]


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("conformal", {"false_alarm_rate": 0.05}, thresholds.conformal(CALIBRATION, 0.05)),
        ("conformal", {}, thresholds.conformal(CALIBRATION)),
        ("quantile", {"false_alarm_rate": 0.05}, thresholds.quantile(CALIBRATION, 0.05)),
        ("peaks", {"false_alarm_rate": 1e-4}, thresholds.peaks_over_threshold(CALIBRATION, 1e-4)),
        ("mean", {"deviations": 2}, thresholds.mean_and_deviations(CALIBRATION, 2)),
        ("median", {}, thresholds.median_deviations(CALIBRATION, 3)),
        ("share", {"contamination": 0.1}, thresholds.share(CALIBRATION, 0.1)),
        (2.5, {}, 2.5),
    ],
)
def test_a_rule_is_the_function_of_that_name(name, options, expected):
    """Rules without labels are those of `isthmus.thresholds`, on the calibration scores."""
    assert threshold_of(rule_of(name, options), CALIBRATION) == expected


def test_share_is_of_the_scores_that_are_given():
    """A share of other scores lies above the threshold where there are others."""
    threshold = threshold_of(rule_of("share", {"contamination": 0.2}), CALIBRATION, SCORES)
    assert (threshold < SCORES).sum() == 20


@pytest.mark.parametrize("name", LABELLED)
def test_rules_with_labels(name):
    """Every rule with labels puts the threshold into the gap between normal rows and anomalies."""
    threshold = threshold_of(rule_of(name, {}), CALIBRATION, SCORES, LABELS)
    found = threshold < SCORES
    assert found[:80].mean() < 0.05
    assert found[80:].mean() >= 0.9
    with pytest.raises(
        ParameterError, match=rf'"{name}" needs rows and their labels: set_threshold\("{name}", X, labels\)'
    ):
        threshold_of(rule_of(name, {}), CALIBRATION, SCORES)


def test_dearer_misses_lower_the_threshold():
    """The more a miss costs against a false alarm, the more rows are flagged."""
    mixed = SCORES + np.random.default_rng(1).normal(0, 3, 100)
    found = [
        threshold_of(rule_of("cost", {"false_alarm_cost": 1, "miss_cost": cost}), CALIBRATION, mixed, LABELS)
        for cost in (0.1, 1, 10, 100)
    ]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[-1]


@pytest.mark.parametrize("number", [3, 2.5, np.float32(2.5), np.int64(3), np.inf])
def test_numbers_of_every_make(number):
    """Python's and NumPy's numbers are thresholds."""
    assert threshold_of(rule_of(number, {}), CALIBRATION) == number


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("conformle", {}, r"""no threshold rule 'conformle'; did you mean "conformal"\?"""),
        ("best", {}, r"no threshold rule 'best'; there are: conformal, quantile, .*, or a number\."),
        ("value", {}, r"no threshold rule 'value'"),
        (None, {}, r"no threshold rule None"),
        (["f1"], {}, r"no threshold rule \['f1'\]"),
        (True, {}, r"no threshold rule True"),
        (float("nan"), {}, r"a threshold must be a number; got nan"),
        (3.0, {"deviations": 2}, r"a threshold that is a number does not take 'deviations'; it takes no options"),
        ("f1", {"recall": 0.5}, r"""rule "f1" does not take 'recall'; it takes no options"""),
        ("mean", {"false_alarm_rate": 0.1}, r"""rule "mean" does not take 'false_alarm_rate'; it takes deviations"""),
        ("mean", {"deviations": "two"}, r"""deviations of the rule "mean" must be a number; got 'two'"""),
        ("mean", {"deviations": -1}, r"deviations must be a number >= 0; got -1"),
        ("recall", {"recall": None}, r"""recall of the rule "recall" must be a number; got None"""),
    ],
)
def test_what_is_no_rule(name, options, match):
    """A name, an option or a number that is wrong is told with what there is."""
    with pytest.raises(ParameterError, match=match):
        rule_of(name, options)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_rates_without_meaning(rate):
    """No rows and all rows are no rates of false alarms."""
    with pytest.raises(ParameterError, match="false_alarm_rate must be a number > 0 and < 1"):
        threshold_of(rule_of("conformal", {"false_alarm_rate": rate}), CALIBRATION)


@pytest.mark.parametrize(
    ("parameters", "rule"),
    [
        ({}, Rule("conformal", {})),
        ({"false_alarm_rate": 0.02}, Rule("conformal", {"false_alarm_rate": 0.02})),
        ({"threshold": "peaks", "false_alarm_rate": 0.02}, Rule("peaks", {"false_alarm_rate": 0.02})),
        ({"threshold": "median", "deviations": 4}, Rule("median", {"deviations": 4.0})),
        ({"contamination": 0.1, "threshold": "mean"}, Rule("share", {"contamination": 0.1})),
        ({"contamination": "auto", "threshold": "quantile"}, Rule("quantile", {})),
    ],
)
def test_the_rule_of_the_parameters(parameters, rule):
    """What a detector is told becomes one rule; a known contamination comes before the others."""
    assert first_rule(AnomalyDetector(**parameters)) == rule


def test_rules_read_as_words():
    """A rule is told with its options."""
    assert rule_of("conformal", {"false_alarm_rate": 0.01}).words() == "conformal (false alarm rate 0.01)"
    assert rule_of("f1", {}).words() == "f1"


def test_every_rule_of_the_parameters_is_one():
    """What `threshold=` allows is known here."""
    assert set(THRESHOLDS) <= set(OPTIONS)
