"""Model files to fitted estimators."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from isthmus import parameters as params
from isthmus.errors import ModelFileError, UserError
from isthmus.files import container, schema
from isthmus.models import detector_state, rebuilding, saving
from isthmus.models.detector import AnomalyDetector
from isthmus.models.encoder_state import Shapes
from isthmus.scoring import Scorer
from isthmus.version import __version__


def load(path: str | os.PathLike[str], network: Any = None) -> Any:
    """Read a model file and return the fitted estimator.

    Parameters
    ----------
    path : a file that ``save`` wrote.
    network : for a model with a network of your own: the same pair or callable that it was fitted with, whose weights are
        then taken from the file; leave it out for all others.

    Returns
    -------
    The estimator, fitted, on the CPU.

    Raises
    ------
    ModelFileError : the file is damaged, edited, foreign, of a newer version, or holds something that a model cannot.

    Examples
    --------
    >>> import numpy as np, tempfile, isthmus
    >>> X = np.random.default_rng(0).normal(size=(100, 4))
    >>> model = isthmus.Autoencoder(2, max_epochs=1, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.safetensors")
    ...     again = isthmus.load(f"{folder}/model.safetensors")
    >>> bool((again.transform(X) == model.transform(X)).all())
    True
    """
    outlined: list[Any] = []

    def expected(spec: dict[str, Any]) -> Shapes:
        _check(spec)
        of = _outline if spec["estimator"] in detector_state.PARAMETERS else rebuilding.outline
        outlined[:] = [of(spec, network)]
        shapes: Shapes = outlined[0].shapes()
        return shapes

    _, tensors = container.read(path, expected)
    try:
        return outlined[0].fill(tensors)
    except UserError as error:
        raise ModelFileError(f"Cannot load {os.fspath(path)!r}: {str(error).rstrip('.')}.") from error


def _check(spec: dict[str, Any]) -> None:
    """Raise unless ``spec`` obeys the schema; where a later release wrote it, say so: it may have a key of its own."""
    try:
        schema.check(spec, saving.SCHEMA)
    except ModelFileError as error:
        versions = spec.get("versions")
        writer = versions.get("isthmus") if isinstance(versions, dict) else None
        if not isinstance(writer, str) or _numbers(writer) <= _numbers(__version__):
            raise
        raise ModelFileError(
            f"isthmus {writer} wrote it and this is {__version__}, which does not know all of it ({error}); "
            "upgrade with: python -m pip install --upgrade isthmus"
        ) from error


def _numbers(version: str) -> tuple[int, ...]:
    """``1.10.2`` as (1, 10, 2); nothing for what is no such version."""
    return tuple(map(int, version.split("."))) if re.fullmatch(r"\d{1,5}(\.\d{1,5}){0,3}", version, re.ASCII) else ()


@dataclass(frozen=True)
class _Outline:
    """A detector without its arrays: its JSON, itself before its fit, the model inside, and the scorer without memory."""

    spec: dict[str, Any]
    detector: AnomalyDetector
    model: rebuilding.Outline
    scorer: Scorer

    def shapes(self) -> Shapes:
        """Type and shape of each array of the file."""
        inside = {f"model.{name}": value for name, value in self.model.shapes().items()}
        return inside | detector_state.shapes(self.spec, self.scorer)

    def fill(self, tensors: dict[str, Any]) -> AnomalyDetector:
        """The fitted detector."""
        spec, detector = self.spec, self.detector
        scorer = detector_state.fill(self.scorer, rebuilding.part_of(tensors, "scorer"))
        scores = detector_state.checked_calibration(tensors["calibration"])
        detector._keep(self.model.fill(rebuilding.part_of(tensors, "model")), scorer, scores)
        detector.threshold_, detector.offset_ = spec["threshold"], -spec["threshold"]
        detector.rule_ = detector_state.rule_of(spec)
        detector.seed_, detector.n_rows_, detector.n_features_in_ = spec["seed"], spec["n_rows"], spec["n_features"]
        detector.notes_ = tuple(spec["notes"])
        if spec["model"]["encoder"].get("names"):
            detector.feature_names_in_ = np.array(spec["model"]["encoder"]["names"], dtype=object)
        return detector


def _outline(spec: dict[str, Any], network: Any) -> _Outline:
    detector_state.check_counts(spec)
    detector_state.rule_of(spec)
    model = rebuilding.outline(spec["model"], network)
    given = None
    if spec["given"] is not None:
        given = rebuilding.estimator_of(spec["model"], network).set_params(**spec["given"])
    detector = AnomalyDetector(given, **spec["parameters"])
    params.check(detector)
    return _Outline(spec, detector, model, detector_state.outline(spec, model.plan, model.layout))
