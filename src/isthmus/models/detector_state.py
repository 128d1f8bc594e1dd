"""A fitted detector as plain JSON and arrays, and its scorer, scores and rule back: its part of a model file.

`SCHEMA` is what the JSON must look like; `check_counts`, `rule_of`, `fill` and `checked_calibration` say what it and the arrays
must mean besides. The model inside is that of `isthmus.models.model_state`, whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from isthmus.errors import ModelFileError, ParameterError
from isthmus.files import schema
from isthmus.files.schema import Either, Enum, Flag, List, Null, Number, Object, Text
from isthmus.labelled import COST, RECALL
from isthmus.layout import Layout
from isthmus.models import model_state, thresholding
from isthmus.models.encoder_state import Arrays, Shapes
from isthmus.models.fitting import state_of
from isthmus.models.thresholding import Rule
from isthmus.nets.build import with_memory
from isthmus.parameters import MOST, MOST_MEMBERS, DetectorParameters
from isthmus.plan import Plan
from isthmus.scores.shape import FEW_OF_FLAGS, PARTS, SHARE_OF_MIXED, Shape
from isthmus.scoring import Scorer
from isthmus.thresholds import NUMBER, RATE, SHARE

_COUNT = Number(0, 2**53, integer=True)
_SEED = Either((Null(), Number(0, 2**32 - 1, integer=True)))
_UNSAVED = (*model_state.UNSAVED, "model")
_SCORER: dict[str, schema.Rule] = {
    "members": Number(1, MOST_MEMBERS, integer=True),
    "n_reference": Number(0, MOST, integer=True),
    "count": Number(1, MOST, integer=True),
    "weights": List(Number(0, 1e6), len(PARTS), len(PARTS)),
    "mixed": Flag(),
    "ordered": Flag(),
}
_FIELDS: dict[str, schema.Rule] = {
    "parameters": model_state.parameters_rule(DetectorParameters, _UNSAVED),
    "given": Either((Null(), Object({"random_state": _SEED}))),
    "model": model_state.SCHEMA,
    "scorer": Object(_SCORER),
    "rule": Object({"name": Enum(tuple(thresholding.OPTIONS)), "options": schema.Map(Number(), 5, Text(50))}),
    "threshold": Number(),
    "n_calibration": Number(1, 2**53, integer=True),
    "seed": Number(0, 2**63, integer=True),
    "n_rows": _COUNT,
    "n_features": _COUNT,
    "notes": List(Text(2_000), 1_000),
    "versions": schema.Map(Text(50), 20),
}
PARAMETERS = {"AnomalyDetector": DetectorParameters}
SCHEMA = schema.Tagged("estimator", {name: Object(_FIELDS) for name in PARAMETERS})
_ALLOWED = {
    "false_alarm_rate": RATE, "deviations": NUMBER, "contamination": SHARE, "recall": RECALL,
    "false_alarm_cost": COST, "miss_cost": COST, "value": NUMBER,
}  # fmt: skip
_POSITIVE = ("residuals.sigma", "residuals.unit", "neighbours.spacing", "local.spacing", "peaks.spread")
_NOT_NEGATIVE = ("view.soft", "view.bent", "farthest")


def to_state(detector: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON and the arrays of a fitted ``detector``."""
    model, arrays = model_state.to_state(detector.model_)
    tensors = {f"model.{name}": array for name, array in arrays.items()}
    tensors |= {f"scorer.{name}": array for name, array in state_of(detector.scorer_).items()}
    tensors["calibration"] = np.asarray(detector.calibration_scores_, dtype=np.float64)
    _check_finite(detector, tensors)
    shape, given = detector.scorer_.shape, detector.model
    spec = {
        "estimator": type(detector).__name__,
        "parameters": model_state.parameters_spec(detector, model_state.saved_names(DetectorParameters, _UNSAVED)),
        "given": None if given is None else {"random_state": model_state.seed_of(given.random_state)},
        "model": model,
        "scorer": {name: model_state.plain(getattr(shape, name)) for name in _SCORER},
        "rule": {"name": detector.rule_.name, "options": dict(detector.rule_.options)},
        "threshold": float(detector.threshold_),
        "n_calibration": len(detector.calibration_scores_),
        "seed": detector.seed_,
        "n_rows": detector.n_rows_,
        "n_features": detector.n_features_in_,
        "notes": [note[:2_000] for note in detector.notes_],
        "versions": model_state.versions(),
    }
    return spec, tensors


def _check_finite(detector: Any, tensors: Arrays) -> None:
    """What a file cannot hold, said before anything is written."""
    if not np.isfinite(detector.threshold_):
        raise ParameterError(
            f"a file cannot hold the threshold {detector.threshold_}; set a finite one with set_threshold."
        )
    odd = next((n for n, a in tensors.items() if not n.startswith("model.") and not np.isfinite(a).all()), None)
    if odd is not None:
        raise ParameterError(
            f"a file cannot hold this detector: its {odd.removeprefix('scorer.')!r} holds numbers that are not finite, of known "
            "rows too few or too far apart; fit or recalibrate it on other rows."
        )


def check_counts(spec: dict[str, Any]) -> None:
    """What the schema cannot say of the numbers in ``spec``."""
    scorer, model = spec["scorer"], spec["model"]
    n, weights = scorer["n_reference"], scorer["weights"]
    asked = max(FEW_OF_FLAGS, round(SHARE_OF_MIXED * n) if scorer["mixed"] else 0)
    agree = {
        "members": scorer["members"] == model["plan"]["members"],
        "neighbours": n <= spec["n_rows"] and scorer["count"] <= asked,
        "weights": sum(weights) > 0 and (n > 0 or weights[:2] == [0, 0]),
        "rows": model["n_rows"] <= spec["n_rows"],
        "columns": model["n_features"] == spec["n_features"],
    }
    odd = next((name for name, fine in agree.items() if not fine), None)
    if odd is not None:
        raise ModelFileError(f"its {odd} do not agree with each other; the file was edited or damaged.")


def rule_of(spec: dict[str, Any]) -> Rule:
    """The rule that made the threshold, checked."""
    name, options = spec["rule"]["name"], spec["rule"]["options"]
    for option, value in options.items():
        if option not in thresholding.OPTIONS[name] or not _ALLOWED[option].admits(value):
            raise ModelFileError(
                f"its threshold rule {name!r} has no option {option!r} of {value!r:.60}; the file was edited."
            )
    if name == "value" and options.get("value") != spec["threshold"]:
        raise ModelFileError("its threshold is not that of its rule; the file was edited or damaged.")
    return Rule(name, {option: float(value) for option, value in options.items()})


def outline(spec: dict[str, Any], plan: Plan, layout: Layout) -> Scorer:
    """The scorer of checked ``spec`` without memory."""
    fields = spec["scorer"]
    with torch.device("meta"):
        return Scorer(
            layout, Shape(**{**fields, "members": plan.members, "weights": tuple(map(float, fields["weights"]))})
        )


def shapes(spec: dict[str, Any], scorer: Scorer) -> Shapes:
    """Type and shape of each array of a detector, those of its model left out."""
    found: Shapes = {
        f"scorer.{name}": (str(value.dtype)[6:], tuple(value.shape)) for name, value in scorer.state_dict().items()
    }
    return found | {"calibration": ("float64", (spec["n_calibration"],))}


def fill(scorer: Scorer, arrays: Arrays) -> Scorer:
    """``scorer`` with its arrays, which are finite and of its shapes, once they are checked."""
    tails = range(len(PARTS))
    sound = {name: bool((arrays[name] > 0).all()) for name in _POSITIVE if name in arrays}
    sound |= {name: bool((arrays[name] >= 0).all()) for name in _NOT_NEGATIVE}
    sound |= {f"tails.{i}.fall": bool((arrays[f"tails.{i}.fall"] > 0).all()) for i in tails}
    sound |= {f"tails.{i}.{n}": _ascends(arrays[f"tails.{i}.{n}"]) for i in tails for n in ("knots", "heights")}
    odd = next((name for name, fine in sound.items() if not fine), None)
    if odd is not None:
        raise ModelFileError(f"its scorer's {odd!r} holds numbers that it cannot; the file was edited or damaged.")
    made = with_memory(scorer)
    made.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return made.eval()


def checked_calibration(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Calibration scores, which must ascend."""
    if not _ascends(scores):
        raise ModelFileError("its calibration scores do not ascend; the file was edited or damaged.")
    return scores


def _ascends(values: NDArray[Any]) -> bool:
    return bool((np.diff(values) >= 0).all())
