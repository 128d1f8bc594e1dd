"""The anomaly detector: an autoencoder, a score that is calibrated on rows it was not trained on, and a threshold."""

from __future__ import annotations

import os
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from isthmus import conformal, drift
from isthmus import parameters as params
from isthmus.errors import DataError
from isthmus.models import detecting, explaining, saving, summary, thresholding
from isthmus.models.base import BaseAutoencoder
from isthmus.models.inputs import notes_on, read_input
from isthmus.nets.seeding import draw_seed
from isthmus.parameters import DetectorParameters
from isthmus.scoring import Scorer

Floats = NDArray[np.float64]


class AnomalyDetector(DetectorParameters, OutlierMixin, BaseEstimator):  # type: ignore[misc]  # sklearn is untyped
    """Find rows that are unlike the normal ones, say how sure that is, and why.

    A fifth of the rows is set aside before anything is fitted. The autoencoder learns the others; what it cannot restore of a
    row, together with the row's distance to known ones, makes the anomaly score (see `isthmus.scoring`). The rows set aside
    give the threshold and the p-values, so a stated rate of false alarms holds for new normal rows.

    Parameters
    ----------
    model : an autoencoder of isthmus or None, default None
        What restores rows; it is copied. None: ``DenoisingAutoencoder(GaussianNoise((0.05, 1.0)) | MaskingNoise((0.5, 0.0)),
        members=2, ...)``, see ``model_``.
    threshold : "conformal", "quantile", "peaks", "mean" or "median", default "conformal"
        Rule for the threshold: split conformal prediction, the plain quantile, peaks over threshold (generalised Pareto), mean
        plus ``deviations`` standard deviations, or median plus ``deviations`` scaled median deviations.
    false_alarm_rate : float in (0, 1) or "auto", default "auto"
        Share of new normal rows that may be flagged. "auto": 1 %, but never fewer than 10 rows set aside expected above the
        threshold (3.3 % at 300 of them).
    deviations : float >= 0, default 3.0
        For the rules "mean" and "median".
    contamination : None, float in (0, 0.5] or "auto", default None
        None: the rows of fit are normal. A number: a share of them is not; training is robust, and exactly that share of them
        is flagged. "auto": some are not; training is robust, and ``threshold`` applies.
    calibration_fraction : float in (0, 0.5], default 0.2
        Share of the rows set aside for the threshold, at most 4,096 rows. With fewer than 20 rows none are.
    reference_rows : int >= 0, default 10,000
        Training rows that are kept as neighbours, in the model file too. 0 keeps none: the score is then the residual alone.
    random_state : int, RandomState or None, default None
        Seed; the same seed gives the same bytes. None draws one, kept as ``seed_``.
    progress : bool or "auto", default "auto"
        A bar on standard error while the default model is trained.

    Attributes
    ----------
    model_ : the fitted autoencoder.
    scorer_ : `isthmus.scoring.Scorer`, the score as a torch module.
    calibration_scores_ : (n_calibration,) ascending anomaly scores of the rows set aside.
    threshold_ : a row whose anomaly score is above it is flagged; ``offset_`` is its negative.
    rule_ : the rule that made the threshold.
    notes_ : tuple of str, what is worth knowing.
    seed_, n_features_in_, feature_names_in_ : as in `Autoencoder`.

    References
    ----------
    Vovk, Gammerman, Shafer 2005, "Algorithmic learning in a random world" (conformal p-values); Bates, Candes, Lei, Romano,
    Sesia 2023, "Testing for outliers with conformal p-values".

    Examples
    --------
    >>> import numpy as np, isthmus
    >>> rng = np.random.default_rng(0)
    >>> t = rng.uniform(0, 6, 600)
    >>> normal = np.stack([np.cos(t), np.sin(t), np.cos(2 * t)], axis=1) + 0.05 * rng.normal(size=(600, 3))
    >>> detector = isthmus.AnomalyDetector(random_state=0).fit(normal)
    >>> odd = [[1.0, 0.0, -1.0], [5.0, 5.0, 5.0]]  # the first has ordinary values that do not go together
    >>> detector.predict(odd)
    array([-1, -1])
    """

    rule_: thresholding.Rule
    calibration_scores_: Floats
    notes_: tuple[str, ...]

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit to normal rows, or with ``contamination`` to rows among which some are not.

        Parameters
        ----------
        X : array (n_samples, n_features), frame, Arrow table, path, or array of pictures, as in `Autoencoder.fit`.
        y : not used, which ``notes_`` says; labels are for measuring (`set_threshold`, `isthmus.report`), not for fitting.

        Raises
        ------
        ParameterError : a parameter that is not allowed.
        DataError, DataTypeError : rows that cannot be used.
        """
        params.check(self)
        kinds = None if self.model is None else getattr(self.model, "kinds", None)
        data = read_input(self, X, kinds=kinds, reset=True)
        self.seed_ = draw_seed(self.random_state)
        rule = thresholding.first_rule(self)
        held_out = detecting.split(len(data), self.calibration_fraction, self.seed_)[1]
        # A rate that so few rows cannot tell is refused now, not after the training.
        thresholding.threshold_of(rule, np.arange(float(len(held_out))))
        found = detecting.detect(self, data, self.seed_)
        self._keep(found.model, found.scorer, np.sort(found.scores))
        self.n_rows_ = len(data)
        self.notes_ = (*notes_on(data), *found.notes)
        if detecting.sets_aside(len(data)):
            self.notes_ = (*self.notes_, *thresholding.notes_on(rule, len(held_out)))
        if y is not None:
            self.notes_ = (
                *self.notes_,
                "y was not used: labels are for measuring, as set_threshold and isthmus.report do.",
            )
        self._apply(rule, found.training_scores)
        return self

    def predict(self, X: Any, *, fdr: float | None = None) -> NDArray[np.int64]:
        """1 for rows like the normal ones, -1 for anomalies, (n_samples,).

        Parameters
        ----------
        X : rows as in `fit`.
        fdr : None or float in (0, 1), default None
            None: a row is flagged when its score is above ``threshold_``. A number: rows are flagged together so that on average
            at most this share of the flagged ones are false discoveries (Benjamini and Hochberg 1995, on `p_values`).
        """
        if fdr is None:
            return np.where(self.decision_function(X) < 0, -1, 1)
        return np.where(conformal.benjamini_hochberg(self.p_values(X), fdr), -1, 1)

    def decision_function(self, X: Any) -> Floats:
        """``score_samples(X) - offset_``, (n_samples,): below 0 is an anomaly."""
        scores: Floats = self.score_samples(X) - self.offset_
        return scores

    def score_samples(self, X: Any) -> Floats:
        """Minus the anomaly score, (n_samples,); higher is more normal."""
        return -self.anomaly_scores(X)

    def anomaly_scores(self, X: Any) -> Floats:
        """The anomaly score of each row, (n_samples,); higher is more anomalous, without an upper end."""
        return detecting.score_rows(self, X)[:, 0].astype(np.float64)

    def p_values(self, X: Any) -> Floats:
        """Conformal p-value of each row, (n_samples,): the share of normal rows that score at least as high.

        A new normal row has a p-value of at most ``a`` with a chance of at most ``a``; the least there can be is
        1 / (n_calibration + 1).
        """
        scores = self.anomaly_scores(X)  # first, for it tells whether there was a fit
        return conformal.p_values(self.calibration_scores_, scores)

    def explain(self, X: Any, *, top: int = 3) -> Any:
        """Why rows are anomalous: the columns that raise the score of each, see `isthmus.models.explaining.explain`.

        Parameters
        ----------
        X : rows as in `fit`.
        top : int >= 1, default 3
            Columns listed for each row.

        Returns
        -------
        A frame of the kind that ``fit`` was given (pandas where it was an array), one line for each flagged row and column: row
        (its place in ``X``, from 0), score, p_value, column, seen, expected, share, far. For pictures: a heat map for each picture,
        (n_samples, height, width).
        """
        check_is_fitted(self)
        return explaining.explain(self, X, top=top)

    def set_threshold(
        self, rule: str | float = "conformal", X: Any = None, labels: ArrayLike | None = None, **options: float
    ) -> Self:
        """Set another threshold, without fitting anew.

        Parameters
        ----------
        rule : str or float, default "conformal"
            "conformal", "quantile", "peaks" (option ``false_alarm_rate``), "mean", "median" (option ``deviations``), "share"
            (option ``contamination``, of the rows set aside or of ``X``); with ``X`` and ``labels`` (1 = anomaly) "f1",
            "recall" (option ``recall``) or "cost" (options ``false_alarm_cost``, ``miss_cost``). A number is the threshold itself.
        X : rows to measure on, for the rules with labels; default None.
        labels : (n_samples,) default None.

        Raises
        ------
        ParameterError : no such rule or option; a rate that so few rows cannot tell.
        """
        check_is_fitted(self)
        scores = None if X is None else self.anomaly_scores(X)
        self._apply(thresholding.rule_of(rule, options), scores, labels)
        return self

    def thresholds(self) -> list[conformal.ThresholdRow]:
        """Every rule side by side: its threshold, and the false alarms to expect with their interval."""
        check_is_fitted(self)
        rate = None if self.false_alarm_rate == "auto" else float(self.false_alarm_rate)
        return conformal.all_thresholds(self.calibration_scores_, rate, self.deviations)

    def check_drift(self, X: Any, *, level: float = 0.01) -> drift.Drift:
        """Whether the scores of new rows still look like those the threshold was set on, see `isthmus.drift.check`."""
        scores = self.anomaly_scores(X)
        return drift.check(self.calibration_scores_, scores, level)

    def recalibrate(self, X: Any) -> Self:
        """Put the scores of new normal rows in place of the calibration scores, and set the threshold by the same rule.

        Nothing is trained. The rows must not be among those of `fit`.
        """
        scores = np.sort(self.anomaly_scores(X))
        if len(scores) < detecting.FEWEST_SET_ASIDE:
            raise DataError(
                f"{len(scores)} rows are too few to set a threshold on; give at least {detecting.FEWEST_SET_ASIDE} normal rows."
            )
        threshold = thresholding.threshold_of(self.rule_, scores)  # may refuse; then nothing has changed
        before = thresholding.notes_on(self.rule_, len(self.calibration_scores_))
        kept = (note for note in self.notes_ if note not in before)
        self.notes_ = (*kept, *thresholding.notes_on(self.rule_, len(scores)))
        self.calibration_scores_, self.threshold_, self.offset_ = scores, threshold, -threshold
        return self

    def summary(self) -> str:
        """The threshold, what it promises, and the model inside, as text."""
        check_is_fitted(self)
        recalibrated = len(self.calibration_scores_) != self.n_rows_
        return summary.of_detector(self, apart=detecting.sets_aside(self.n_rows_) or recalibrated)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one model file, as `Autoencoder.save`; it holds at most ``reference_rows`` training rows."""
        check_is_fitted(self)
        saving.save(self, path)

    @property
    def encoder_(self) -> Any:
        """The preparation of the model inside."""
        return self.model_.encoder_

    def _keep(self, model: BaseAutoencoder, scorer: Scorer, scores: Floats) -> None:
        self.model_, self.scorer_, self.calibration_scores_ = model, scorer, scores

    def _apply(self, rule: thresholding.Rule, scores: Floats | None = None, labels: ArrayLike | None = None) -> None:
        self.threshold_ = thresholding.threshold_of(rule, self.calibration_scores_, scores, labels)
        self.offset_, self.rule_ = -self.threshold_, rule

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
