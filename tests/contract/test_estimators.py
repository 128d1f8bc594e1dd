"""scikit-learn's own checks on every public estimator, none excused."""

from __future__ import annotations

import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from isthmus import AnomalyDetector, Autoencoder, DenoisingAutoencoder

ESTIMATORS = [Autoencoder, DenoisingAutoencoder]
# Its own model would take a minute here; ``../shared/judges/contract.py`` runs the checks on the plain default.
DETECTOR = AnomalyDetector(DenoisingAutoencoder(members=2, max_epochs=10, keep="last", validation_fraction=0.0))
FRAMES = [  # what check_estimator leaves out
    name
    for name in dir(estimator_checks)
    if name.startswith(("check_set_output_", "check_global_", "check_transformer_get_feature_names_out"))
]


@parametrize_with_checks([*(estimator() for estimator in ESTIMATORS), DETECTOR])
@pytest.mark.filterwarnings("ignore")  # the checks themselves do what warns
def test_contract(estimator, check):
    """The estimator does what scikit-learn expects of every estimator."""
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("check", FRAMES)
@pytest.mark.filterwarnings("ignore")  # the checks themselves do what warns
def test_frames(estimator, check):
    """Frames go out as asked for, and features have names."""
    pytest.importorskip("pandas", reason="the check needs pandas")
    pytest.importorskip("polars", reason="the check needs polars")
    getattr(estimator_checks, check)(estimator.__name__, estimator(max_epochs=1))
