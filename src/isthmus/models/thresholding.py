"""Which rule sets a detector's threshold, and with what: names and options to functions of scores."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus import labelled, thresholds
from isthmus.errors import ParameterError

Floats = NDArray[np.float64]
OPTIONS = {
    "conformal": ("false_alarm_rate",),
    "quantile": ("false_alarm_rate",),
    "peaks": ("false_alarm_rate",),
    "mean": ("deviations",),
    "median": ("deviations",),
    "share": ("contamination",),
    "f1": (),
    "recall": ("recall",),
    "cost": ("false_alarm_cost", "miss_cost"),
    "value": ("value",),
}
LABELLED = ("f1", "recall", "cost")
MANY = 0.05
"""False-alarm rate that nobody expects who asked for none."""


@dataclass(frozen=True)
class Rule:
    """A rule by name and its options; what is left out has its default."""

    name: str
    options: Mapping[str, float]

    def words(self) -> str:
        """The rule as a person reads it."""
        listed = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in self.options.items())
        return f"{self.name} ({listed})" if listed else self.name


def rule_of(name: str | float, options: Mapping[str, float]) -> Rule:
    """A checked rule; a number is the threshold itself."""
    if _is_number(name):
        if math.isnan(float(name)):
            raise ParameterError("a threshold must be a number; got nan.")
        name, options = "value", {**options, "value": float(name)}
    elif not isinstance(name, str) or name not in OPTIONS or name == "value":
        known = [rule for rule in OPTIONS if rule != "value"]
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(known)}, or a number."
        raise ParameterError(f"there is no threshold rule {name!r:.80}; {hint}")
    odd = next((option for option in options if option not in OPTIONS[name]), None)
    if odd is not None:
        takes = ", ".join(OPTIONS[name]) if name != "value" else ""
        shown = "a threshold that is a number" if name == "value" else f'the rule "{name}"'
        raise ParameterError(f"{shown} does not take {odd!r}; it takes {takes or 'no options'}.")
    wrong = next((option for option, value in options.items() if not _is_number(value)), None)
    if wrong is not None:
        raise ParameterError(f'{wrong} of the rule "{name}" must be a number; got {options[wrong]!r:.80}.')
    if options.get("deviations", 0) < 0:
        raise ParameterError(f"deviations must be a number >= 0; got {options['deviations']!r}.")
    return Rule(name, {key: float(value) for key, value in options.items()})


def _is_number(value: Any) -> bool:
    """Python's and NumPy's numbers; not a bool, which is a slip."""
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def first_rule(detector: Any) -> Rule:
    """The rule that the parameters of a detector ask for."""
    if isinstance(detector.contamination, (int, float)):
        return Rule("share", {"contamination": float(detector.contamination)})
    if detector.threshold in ("mean", "median"):
        return Rule(detector.threshold, {"deviations": float(detector.deviations)})
    rate = detector.false_alarm_rate
    return Rule(detector.threshold, {} if rate == "auto" else {"false_alarm_rate": float(rate)})


def notes_on(rule: Rule, n: int) -> tuple[str, ...]:
    """What to know of a rule that was left to find its own false-alarm rate on ``n`` rows set aside."""
    asked = "false_alarm_rate" in rule.options or "false_alarm_rate" not in OPTIONS[rule.name]
    rate = thresholds.default_rate(n)
    if asked or rate <= MANY:
        return ()
    return (
        f"with {n} rows set aside, false_alarm_rate='auto' flags {rate:.1%} of normal rows, so that 10 of those are above the "
        "threshold; more rows, or a smaller false_alarm_rate, make fewer false alarms.",
    )


def threshold_of(
    rule: Rule, calibration: Floats, scores: Floats | None = None, labels: ArrayLike | None = None
) -> float:
    """The threshold of ``rule``.

    Parameters
    ----------
    rule : a checked rule.
    calibration : (n_calibration,) scores of the rows set aside.
    scores : scores of other rows: those of fit for "share", those that have labels; None: there are none.
    labels : (n_samples,) of ``scores``; 1 is an anomaly.
    """
    given = dict(rule.options)
    if rule.name in LABELLED and (scores is None or labels is None):
        raise ParameterError(
            f'the rule "{rule.name}" needs rows and their labels: set_threshold("{rule.name}", X, labels).'
        )
    match rule.name:
        case "value":
            return given["value"]
        case "conformal":
            return thresholds.conformal(calibration, given.get("false_alarm_rate"))
        case "quantile":
            return thresholds.quantile(calibration, given.get("false_alarm_rate"))
        case "peaks":
            return thresholds.peaks_over_threshold(calibration, given.get("false_alarm_rate"))
        case "mean":
            return thresholds.mean_and_deviations(calibration, given.get("deviations", 3.0))
        case "median":
            return thresholds.median_deviations(calibration, given.get("deviations", 3.0))
        case "share":
            return thresholds.share(calibration if scores is None else scores, given.get("contamination", 0.05))
        case "f1":
            return labelled.best_f1(scores, labels)  # type: ignore[arg-type]  # checked above
        case "recall":
            return labelled.target_recall(scores, labels, given.get("recall", 0.9))  # type: ignore[arg-type]  # checked above
        case _:
            return labelled.least_cost(scores, labels, **given)  # type: ignore[arg-type]  # checked above
