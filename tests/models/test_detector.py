"""The anomaly detector as its users see it."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score

from isthmus import AnomalyDetector, Autoencoder, DenoisingAutoencoder
from isthmus.corruptions import GaussianNoise
from isthmus.errors import DataError, ParameterError, UserError
from isthmus.models.detecting import FEWEST_SET_ASIDE

SIGMAS = (5, 8, 12, 20, 35, 60, 100)
SMALL = {"latent_dim": 6, "hidden_dims": (32,), "network": "dense", "scaling": "column", "validation_fraction": 0.0}


def small(**changes):
    """A quick detector: two members, ten epochs; parameters may change it."""
    model = DenoisingAutoencoder(
        GaussianNoise((0.05, 1.0)), members=2, keep="last", max_epochs=10, batch_size=64, **SMALL
    )
    return AnomalyDetector(**{"model": model, "random_state": 0, **changes})


def waves(n, seed=0):
    """Rows along a curve in six columns, in units of very different size, (n, 6)."""
    r = np.random.default_rng(seed)
    t = r.uniform(0, 6.28, n)
    rows = np.stack([f(k * t) for k in (1, 2, 3) for f in (np.sin, np.cos)], axis=1) + r.normal(0, 0.05, (n, 6))
    return rows * [1, 2, 5, 50, 0.1, 3] + [0, 1, 2, 3, 4, 900]


@functools.cache
def fitted():
    """A quick detector of 1,000 rows, not to be changed."""
    return small().fit(waves(1_000))


@pytest.fixture
def detector():
    """A quick detector that a test may change."""
    return small().fit(waves(300))


def test_anomalies_are_told_from_normal_rows():
    """Rows whose columns do not go together are found by the default, though each value is an ordinary one."""
    detector = AnomalyDetector(random_state=0).fit(waves(300))
    normal, odd = waves(200, 1), np.random.default_rng(2).permuted(waves(200, 3), axis=0)
    labels = np.r_[np.zeros(200), np.ones(200)]
    assert roc_auc_score(labels, detector.anomaly_scores(np.r_[normal, odd])) > 0.99
    assert (detector.predict(odd) < 0).mean() > 0.95


def test_the_score_grows_away_from_the_data():
    """From 5 to 100 deviations along columns, principal axes and latents every row scores above normal ones, ever higher."""
    detector, new = fitted(), waves(100, 1)
    spread, middle, normal = new.std(axis=0), new.mean(axis=0), detector.anomaly_scores(new)
    latents = detector.model_.transform(new)
    steps = latents.mean(axis=0) + np.diag(latents.std(axis=0))
    moved = detector.model_.inverse_transform(steps) - detector.model_.inverse_transform(latents.mean(axis=0)[None])
    axes = np.concatenate([np.eye(6), np.linalg.svd((new - middle) / spread)[2], moved / spread])
    axes = axes / np.linalg.norm(axes, axis=1, keepdims=True)
    axes = np.concatenate([axes, -axes])
    rows = new[:10] + np.array(SIGMAS)[:, None, None, None] * axes[:, None] * spread
    far = detector.anomaly_scores(rows.reshape(-1, 6)).reshape(len(SIGMAS), len(axes), 10)
    assert (np.diff(far, axis=0) > 0).all()
    labels = np.r_[np.zeros(len(new)), np.ones(10)]
    for scores in far.reshape(-1, 10):
        assert roc_auc_score(labels, np.r_[normal, scores]) >= 0.999


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.1])
def test_false_alarms_are_as_many_as_asked(rate):
    """Of new normal rows as many are flagged as asked, up to what 200 calibration and 4,000 new rows leave to chance."""
    detector, new = fitted(), waves(4_000, 1)
    realised = (detector.p_values(new) <= rate).mean()
    assert abs(realised - rate) <= 3 * np.sqrt(rate * (1 - rate) * (1 / 200 + 1 / 4_000))
    asked = small(false_alarm_rate=rate).fit(waves(1_000))
    assert ((asked.predict(new) < 0) == (detector.p_values(new) <= rate)).all()


def test_the_numbers_belong_together():
    """Scores, decisions and answers are one thing, as scikit-learn has it."""
    detector, new = fitted(), np.r_[waves(50, 1), waves(50, 2) + 10]
    scores = detector.anomaly_scores(new)
    assert np.array_equal(detector.score_samples(new), -scores)
    assert np.array_equal(detector.decision_function(new), detector.score_samples(new) - detector.offset_)
    assert np.array_equal(detector.predict(new) == -1, scores > detector.threshold_)
    assert set(detector.predict(new)) == {1, -1}


def test_a_row_alone_is_a_row_in_a_batch():
    """A row's score does not depend on its company, to the last byte; with gaps in it or beside it neither."""
    detector, new = fitted(), waves(9, 1)
    new[::3, 2] = np.nan
    alone = np.concatenate([detector.anomaly_scores(new[i : i + 1]) for i in range(len(new))])
    assert np.array_equal(alone, detector.anomaly_scores(new))
    assert np.array_equal(alone[::-1], detector.anomaly_scores(new[::-1]))


def test_same_seed_same_bytes():
    """Two fits with one seed give the same scores and threshold; another seed gives others; fit changes no parameter."""
    X, new = waves(200), waves(50, 1)
    first, again, other = small().fit(X), small().fit(X), small(random_state=1).fit(X)
    assert np.array_equal(first.anomaly_scores(new), again.anomaly_scores(new))
    assert first.threshold_ == again.threshold_
    assert not np.array_equal(first.anomaly_scores(new), other.anomaly_scores(new))
    assert str(first.get_params()) == str(small().get_params())
    assert not hasattr(first.model, "network_")


def test_a_seed_is_drawn_and_kept():
    """Without a seed one is drawn; it gives the same fit again."""
    drawn = small(random_state=None).fit(waves(100))
    assert small(random_state=drawn.seed_).fit(waves(100)).threshold_ == drawn.threshold_


def test_units_of_a_frame_do_not_matter():
    """Columns of a frame in other units give nearly the same scores."""
    frame = [pd.DataFrame(waves(300, s), columns=list("abcdef")) for s in (0, 1)]
    change = [f * [10, 0.01, -1, 3, 7, 2] + [5, 1, 2, 0, -4, 1e3] for f in frame]
    before, after = (small().fit(f[0]).anomaly_scores(f[1]) for f in (frame, change))
    assert np.corrcoef(before, after)[0, 1] > 0.99


@pytest.mark.parametrize("y", [np.zeros(200), ["good"] * 200, np.arange(3)])
def test_labels_are_ignored(y):
    """A fit with labels, of whatever kind and length, is the fit without."""
    assert small().fit(waves(200), y).threshold_ == small().fit(waves(200)).threshold_


@pytest.mark.parametrize("share", [0.01, 0.1, 0.25, 0.5])
def test_contamination_flags_exactly_that_share(share):
    """Of the rows of fit ``round(share * n)`` are flagged."""
    X = waves(201)
    detector = small(contamination=share).fit(X)
    assert (detector.predict(X) < 0).sum() == round(share * 201)
    assert (detector.fit_predict(X) < 0).sum() == round(share * 201)


@pytest.mark.parametrize("contamination", ["auto", 0.05])
def test_anomalies_among_the_rows_of_fit(contamination):
    """A cluster of anomalies among the rows of fit is found, with a known share and without one."""
    r = np.random.default_rng(0)
    bad = waves(1, 3) + waves(300).std(axis=0) * r.normal([4, -4, 4, -4, 4, -4], 0.3, (15, 6))
    X, labels = np.r_[waves(285), bad], np.r_[np.zeros(285), np.ones(15)]
    detector = AnomalyDetector(contamination=contamination, random_state=0).fit(X)
    assert roc_auc_score(labels, detector.anomaly_scores(X)) > 0.95


def test_half_of_the_rows_are_anomalies():
    """The most that a share can be is allowed and flags half of the rows."""
    X = np.r_[waves(100), 50 + 30 * np.random.default_rng(0).normal(size=(100, 6))]
    assert (small(contamination=0.5).fit_predict(X) < 0).sum() == 100


def test_false_discoveries(detector):
    """Flagged together, at most the asked share of the flagged rows is normal, on average over calibrations; most are found."""
    false, power = [], []
    for seed in range(20):
        new = np.r_[waves(180, 100 + seed), waves(20, 200 + seed) + 3 * waves(100).std(axis=0)]
        flagged = detector.recalibrate(waves(400, 300 + seed)).predict(new, fdr=0.1) < 0
        false.append(flagged[:180].sum() / max(1, flagged.sum()))
        power.append(flagged[180:].mean())
    assert np.mean(false) < 0.12
    assert np.mean(power) > 0.9
    assert (detector.predict(waves(20, 1), fdr=0.001) == 1).all()  # so few calibration rows can tell none
    with pytest.raises(ParameterError, match="fdr must be a number > 0 and < 1; got 1"):
        detector.predict(waves(5), fdr=1)


def test_thresholds_are_set_without_a_fit(detector):
    """Every rule changes what is flagged and nothing else."""
    new, odd = waves(200, 1), waves(60, 2) + 3 * waves(100).std(axis=0)
    X, labels = np.r_[new, odd], np.r_[np.zeros(200, int), np.ones(60, int)]
    before = detector.anomaly_scores(X)
    for rule in ("conformal", "quantile", "peaks", "mean", "median", "share", "f1", "recall", "cost"):
        given = (X, labels) if rule in ("f1", "recall", "cost") else (None, None)
        assert detector.set_threshold(rule, *given) is detector
        assert detector.rule_.name == rule
        assert (detector.predict(odd) < 0).mean() >= 0.9
    assert np.array_equal(detector.anomaly_scores(X), before)
    low, high = (detector.set_threshold("conformal", false_alarm_rate=r).threshold_ for r in (0.3, 0.03))
    assert low < high
    assert detector.set_threshold(7).threshold_ == -detector.offset_ == 7
    assert detector.set_threshold("share", X, contamination=0.1).predict(X).tolist().count(-1) == 26


def test_a_refused_threshold_changes_nothing(detector):
    """After an error the detector is what it was."""
    before = detector.threshold_, detector.rule_
    for given in (("f1",), ("no such",), (float("nan"),)):
        with pytest.raises(ParameterError):
            detector.set_threshold(*given)
    with pytest.raises(ParameterError, match=r"60 held-out rows cannot tell .* the least they can is 0.016"):
        detector.set_threshold(false_alarm_rate=0.001)
    assert (detector.threshold_, detector.rule_) == before


def test_rules_side_by_side(detector):
    """All rules are listed, each with what it promises."""
    rows = detector.thresholds()
    assert [row.rule for row in rows][:3] == ["conformal", "quantile", "peaks over threshold"]
    assert rows[0].threshold == detector.threshold_


def test_new_normal_rows_set_the_threshold_anew(detector):
    """After a change of the normal rows their false alarms are again as many as asked, by the rule that was set."""
    moved = lambda n, seed: waves(n, seed) + 0.3 * waves(100).std(axis=0)  # noqa: E731
    detector.set_threshold(false_alarm_rate=0.1)
    assert (detector.predict(moved(500, 1)) < 0).mean() > 0.5
    assert detector.check_drift(moved(500, 1)).drifted
    assert not detector.check_drift(waves(500, 1)).drifted
    assert detector.recalibrate(moved(1_000, 2)) is detector
    assert (detector.predict(moved(500, 1)) < 0).mean() == pytest.approx(0.1, abs=0.05)
    assert detector.rule_.options == {"false_alarm_rate": 0.1}
    with pytest.raises(DataError, match="5 rows are too few to set a threshold on; give at least 20 normal rows"):
        detector.recalibrate(waves(5))


def test_gaps_at_score_time_raise_no_alarm():
    """A normal row that misses one cell is flagged hardly more often than a whole one, though there was no gap at fit."""
    detector = AnomalyDetector(random_state=0, false_alarm_rate=0.05).fit(waves(600))
    new = waves(300, 1)
    holes = new.copy()
    holes[np.arange(300), np.random.default_rng(0).integers(0, 6, 300)] = np.nan
    whole, missing = ((detector.predict(rows) < 0).mean() for rows in (new, holes))
    assert missing < whole + 0.1
    assert np.isfinite(detector.anomaly_scores(np.full((1, 6), np.nan))).all()


def test_gaps_do_not_hide_an_anomaly():
    """What is wrong in one column is found while another one is missing."""
    detector, holes = fitted(), waves(100, 1)
    holes[:, 1] = np.nan
    spoiled = holes.copy()
    spoiled[:, 3] += 5 * waves(100).std(axis=0)[3]
    scores = detector.anomaly_scores(np.r_[holes, spoiled])
    assert roc_auc_score(np.r_[np.zeros(100), np.ones(100)], scores) > 0.95


def test_frames_with_categories_gaps_and_new_levels(data):
    """A frame with a column of each kind is scored; a level that was never seen raises the score and no error."""
    detector = small(model=None).fit(data.mixed(200))
    new = data.mixed(50, seed=1)
    strange = new.copy()
    strange["place"] = "mars"
    before, after = detector.anomaly_scores(new), detector.anomaly_scores(strange)
    assert np.isfinite(after).all()
    assert np.median(after) > np.median(before)
    assert detector.feature_names_in_.tolist() == list(new.columns)


def test_pictures_are_scored(data):
    """A picture with a hole scores above those without; three numbers a pixel are pictures too."""
    for shape in ((7, 6), (5, 4, 3)):
        detector = AnomalyDetector(Autoencoder(2, max_epochs=5), random_state=0).fit(data.pictures(100, shape))
        new = data.pictures(20, shape, seed=1)
        broken = new.copy()
        broken[:, 1:4, 1:3] = 0
        assert np.median(detector.anomaly_scores(broken)) > detector.anomaly_scores(new).max()


@pytest.mark.parametrize("model", [Autoencoder(2, max_epochs=2), small().model], ids=["one", "members"])
@pytest.mark.parametrize("rows", [0, 1, 2, 50])
def test_few_known_rows(model, rows):
    """Any number of rows may be kept as neighbours; none leaves the residual alone, which still tells odd rows."""
    detector = small(model=model, reference_rows=rows).fit(waves(200))
    scores = detector.anomaly_scores(np.r_[waves(50, 1), waves(50, 2) + 20 * waves(100).std(axis=0)])
    assert scores[50:].min() > scores[:50].max()


@pytest.mark.parametrize("n", [2, 3, 10, FEWEST_SET_ASIDE - 1])
def test_few_rows(n):
    """Two rows and more make a detector; with fewer than twenty a note says that its rate is not known."""
    detector = small().fit(waves(n))
    assert detector.notes_[-1].startswith(f"{n} rows are too few to set some aside")
    assert np.isfinite(detector.anomaly_scores(waves(30, 1))).all()
    assert detector.predict(waves(1, 1) + 100 * waves(100).std(axis=0)).tolist() == [-1]


def test_twenty_rows():
    """From twenty rows on some are set aside; that so few make many false alarms is said."""
    detector = small().fit(waves(FEWEST_SET_ASIDE))
    assert len(detector.calibration_scores_) == 4
    (note,) = detector.notes_
    assert "4 rows set aside" in note
    assert small(false_alarm_rate=0.25).fit(waves(FEWEST_SET_ASIDE)).notes_ == ()


def test_rows_all_alike():
    """Where all rows are one, it is normal and any other is not."""
    detector = small().fit(np.full((50, 3), 7.0))
    assert detector.predict([[7, 7, 7], [7, 7, 8], [6.9, 7, 7]]).tolist() == [1, -1, -1]


def test_one_column():
    """A single column is enough: what lies beyond it and in a gap of it scores higher than what lies within."""
    r = np.random.default_rng(0)
    X = np.r_[r.normal(0, 1, 150), r.normal(30, 1, 150)][:, None]
    low, gap, high = small().fit(X).anomaly_scores([[0.2], [15.0], [80.0]])
    assert low < gap < high


def test_many_columns():
    """Far more columns than rows are no trouble."""
    X = np.random.default_rng(0).normal(size=(40, 1_500))
    detector = small(model=Autoencoder(2, max_epochs=2)).fit(X)
    assert detector.predict(X[:1] + 10).tolist() == [-1]


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"false_alarm_rate": 0.0}, r"false_alarm_rate of AnomalyDetector must be a number > 0 and < 1 or \"auto\""),
        ({"false_alarm_rate": 1.0}, r"false_alarm_rate of AnomalyDetector must be"),
        (
            {"false_alarm_rate": 0.01},
            r"20 held-out rows cannot tell a false-alarm rate of 0.01; the least they can is 0.048",
        ),
        ({"contamination": 0.6}, r"contamination of AnomalyDetector must be"),
        ({"threshold": "conforml"}, r"""threshold of AnomalyDetector must be .* Did you mean "conformal"\?"""),
        ({"model": PCA()}, r"model of AnomalyDetector must be an autoencoder of isthmus, .* got PCA\(\)"),
        ({"model": Autoencoder}, r"model of AnomalyDetector must be"),
        ({"model": "auto"}, r"model of AnomalyDetector must be"),
        ({"calibration_fraction": 0}, r"calibration_fraction of AnomalyDetector must be"),
        ({"reference_rows": -1}, r"reference_rows of AnomalyDetector must be"),
    ],
)
def test_parameters_out_of_range(changes, match):
    """A parameter that cannot be is told in one line, with what can."""
    with pytest.raises(ParameterError, match=match) as caught:
        small(**changes).fit(waves(100))
    assert "\n" not in str(caught.value)


def test_a_rate_that_cannot_be_told_is_refused_before_training(monkeypatch):
    """Nobody waits for a fit to learn that there are too few rows for the rate that was asked."""
    monkeypatch.setattr(DenoisingAutoencoder, "fit", None)
    with pytest.raises(ParameterError, match="20 held-out rows cannot tell"):
        AnomalyDetector(false_alarm_rate=0.001).fit(waves(100))


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        (waves(1), "minimum of 2 is required"),
        (np.zeros(30), "Expected 2D array, got 1D array"),
        (np.full((30, 2), np.inf), "contains infinity"),
        (np.zeros((0, 3)), "0 sample"),
    ],
)
def test_rows_that_cannot_be_used(rows, match):
    """Rows that are none are refused before anything is trained."""
    with pytest.raises(UserError, match=match):
        small().fit(rows)


def test_rows_of_another_width():
    """Rows with other columns than at fit are refused."""
    with pytest.raises(UserError, match=r"has 5 features, but .* is expecting 6"):
        fitted().predict(waves(3)[:, :5])


@pytest.mark.parametrize("method", ["predict", "anomaly_scores", "p_values", "explain", "check_drift", "recalibrate"])
def test_unfitted(method):
    """Before fit every method says so."""
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(AnomalyDetector(), method)(waves(3))


@pytest.mark.parametrize("method", ["summary", "thresholds", "set_threshold"])
def test_unfitted_without_rows(method):
    """Before fit there is neither a summary nor a threshold."""
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(AnomalyDetector(), method)()


def test_the_model_inside_is_reached_by_its_parameters():
    """A search reaches the parameters of the model inside; a clone has them."""
    detector = AnomalyDetector(Autoencoder(2, max_epochs=1)).set_params(model__latent_dim=3)
    assert clone(detector).fit(waves(50)).model_.latent_dim_ == 3


def test_summary_tells_the_promise():
    """The summary states the threshold, its rule, the false alarms to expect and the rows that are kept."""
    text = fitted().summary()
    for words in ("1000 rows", "by the rule conformal", "false alarms per 1,000 new normal rows", "as neighbours"):
        assert words in text.replace("1,000 rows", "1000 rows")


def test_labels_as_y_are_noted():
    """Labels change nothing, and a note says so."""
    X = waves(60)
    with_labels = small(false_alarm_rate=0.2).fit(X, np.arange(60) % 2)
    assert any("y was not used" in note for note in with_labels.notes_)
    assert np.array_equal(with_labels.anomaly_scores(X), small(false_alarm_rate=0.2).fit(X).anomaly_scores(X))


def test_the_summary_after_recalibration_on_as_many_rows():
    """As many new rows as there were in the fit set the threshold, and the summary still says what it promises."""
    X = waves(60)
    detector = small(false_alarm_rate=0.2).fit(X).recalibrate(waves(60, seed=1))
    assert "60 rows set the threshold" in detector.summary()
    assert "not known" not in detector.summary()
