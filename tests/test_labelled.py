"""Tests of `isthmus.labelled`: thresholds from labels, against every threshold that there is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.errors import DataError, ParameterError
from isthmus.labelled import best_f1, least_cost, target_recall

RULES = [best_f1, least_cost, lambda scores, labels: target_recall(scores, labels, 0.5)]
ROWS = st.lists(st.tuples(st.integers(-6, 6), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({label for _, label in rows}) == 2
)


def split(rows):
    """Scores and labels of pairs."""
    return np.array([score for score, _ in rows], float), np.array([label for _, label in rows])


def counts(scores, labels, threshold):
    """True positives, false positives and false negatives of ``score > threshold``."""
    flagged = scores > threshold
    return np.sum(flagged & labels), np.sum(flagged & ~labels), np.sum(~flagged & labels)


def f1(scores, labels, threshold):
    """F1 of the anomalies."""
    hits, alarms, misses = counts(scores, labels, threshold)
    return 2 * hits / (2 * hits + alarms + misses)


def every(scores):
    """One threshold for every way in which these scores can be cut in two."""
    return [scores.min() - 1, *np.unique(scores)]


@given(ROWS)
def test_no_threshold_has_a_better_f1(rows):
    """No other cut has a higher F1, and no higher cut the same."""
    scores, labels = split(rows)
    found = best_f1(scores, labels)
    others = {threshold: f1(scores, labels, threshold) for threshold in every(scores)}
    assert f1(scores, labels, found) == max(others.values())
    assert all(value < max(others.values()) for threshold, value in others.items() if threshold > found)


@given(ROWS, st.floats(0.01, 1))
def test_target_recall_is_reached_and_no_further(rows, recall):
    """The recall is at least the asked one, and every higher cut falls short of it."""
    scores, labels = split(rows)
    found = target_recall(scores, labels, recall)
    assert counts(scores, labels, found)[0] >= recall * labels.sum() - 1e-6
    higher = [threshold for threshold in every(scores) if threshold > found]
    assert all(counts(scores, labels, threshold)[0] < recall * labels.sum() for threshold in higher)


@given(ROWS, st.floats(0.1, 10), st.floats(0.1, 10))
def test_no_threshold_costs_less(rows, false_alarm_cost, miss_cost):
    """No cut, that above all scores and that below them included, costs less."""
    scores, labels = split(rows)

    def cost(threshold):
        _, alarms, misses = counts(scores, labels, threshold)
        return false_alarm_cost * alarms + miss_cost * misses

    found = least_cost(scores, labels, false_alarm_cost, miss_cost)
    assert cost(found) == pytest.approx(min(cost(threshold) for threshold in every(scores)))


@given(ROWS)
def test_dials_move_one_way(rows):
    """More recall, dearer misses or cheaper alarms never raise the threshold."""
    scores, labels = split(rows)
    for found in (
        [target_recall(scores, labels, recall) for recall in (0.1, 0.5, 0.9, 1)],
        [least_cost(scores, labels, miss_cost=cost) for cost in (0.1, 1, 3, 1e6)],
        [least_cost(scores, labels, false_alarm_cost=cost) for cost in (1e6, 3, 1, 0.1)],
    ):
        assert found == sorted(found, reverse=True)


def test_extreme_costs():
    """Where alarms cost everything none is given, where misses do none is made."""
    scores, labels = np.array([1.0, 2, 3, 4]), np.array([1, 0, 1, 0])
    assert not (scores > least_cost(scores, labels, false_alarm_cost=1e9)).any()
    assert (scores > least_cost(scores, labels, miss_cost=1e9)).all()


@pytest.mark.parametrize("rule", RULES)
@given(rows=ROWS)
def test_order_and_type_of_labels_play_no_part(rule, rows):
    """The order of the rows, and whether labels are flags or numbers, changes nothing."""
    scores, labels = split(rows)
    assert rule(scores[::-1], labels[::-1].astype(float)) == rule(scores, labels) == rule(list(scores), list(labels))


@pytest.mark.parametrize("rule", RULES)
def test_neighbouring_floats_are_told_apart(rule):
    """The anomaly is flagged and the normal row not, even where no number lies between their scores."""
    for low in (1.0, -1.0, 0.0, 5e-324, -1e300):
        high = np.nextafter(low, np.inf)
        assert low <= rule([low, high], [0, 1]) < high


@pytest.mark.parametrize("rule", RULES)
def test_labels_of_one_class(rule):
    """Labels that are all alike are an error that says which they are."""
    with pytest.raises(
        DataError, match="needs rows of both classes, 0 for normal and 1 for an anomaly; all 3 labels are 0"
    ):
        rule([1, 2, 3], [0, 0, 0])
    with pytest.raises(DataError, match="all 2 labels are 1"):
        rule([1, 2], [True, True])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], r"one for each of the 3 scores; got an array of shape \(2,\)"),
        ([[0], [1], [0]], r"got an array of shape \(3, 1\)"),
        ([0, 1, 2], "1 for an anomaly; got 2"),
        ([0, 1, np.nan], "1 for an anomaly; got nan"),
        (["normal", "anomaly", "normal"], "1 for an anomaly; got 'normal'"),
        ([1, -1, 1], "got -1. Of scikit-learn's .* make them with labels == -1"),
    ],
)
def test_labels_that_do_not_fit(labels, message):
    """Labels that are not one 0 or 1 for each score are errors that show what came."""
    with pytest.raises(DataError, match=message):
        best_f1([1, 2, 3], labels)


def test_parameters_out_of_range():
    """A recall is above 0 and at most 1; costs are above 0."""
    for recall in (0, 1.1, float("nan"), True):
        with pytest.raises(ParameterError, match="recall must be a number > 0 and <= 1; got"):
            target_recall([1, 2], [0, 1], recall)
    with pytest.raises(ParameterError, match="false_alarm_cost must be a number > 0; got 0"):
        least_cost([1, 2], [0, 1], false_alarm_cost=0)
    with pytest.raises(ParameterError, match="miss_cost must be a number > 0; got -1"):
        least_cost([1, 2], [0, 1], miss_cost=-1)


@pytest.mark.parametrize("rule", RULES)
def test_scores_that_are_not_finite(rule):
    """Scores with gaps are an error."""
    with pytest.raises(DataError, match="one finite score for each row"):
        rule([1, np.nan], [0, 1])
