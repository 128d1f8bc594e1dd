"""How well rows are told apart by their scores, for both choices of the positive class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score


def detection_figures(scores: NDArray[np.float64], is_normal: NDArray[np.bool_], threshold: float) -> dict[str, float]:
    """Accuracy, AUROC, and precision, recall and F1 with the normal and with the anomalous rows as positive.

    Parameters
    ----------
    scores : (n_samples,) higher is more anomalous.
    is_normal : (n_samples,) the truth, used to measure only.
    threshold : scores above it are called anomalous.

    Examples
    --------
    >>> found = detection_figures(np.array([0.1, 0.2, 0.9]), np.array([True, True, False]), 0.5)
    >>> found["accuracy"], found["AUROC"]
    (1.0, 1.0)
    """
    called_normal = scores <= threshold
    found = {"accuracy": float(np.mean(called_normal == is_normal))}
    for name, positive in (("normal", True), ("anomalous", False)):
        precision, recall, f1, _ = precision_recall_fscore_support(
            is_normal == positive, called_normal == positive, average="binary", zero_division=0.0
        )
        found |= {f"precision, {name} positive": float(precision), f"recall, {name} positive": float(recall)}
        found[f"F1, {name} positive"] = float(f1)
    return {**found, "AUROC": float(roc_auc_score(~is_normal, scores))}
