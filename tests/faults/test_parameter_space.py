"""Any value for any parameter: it is taken, or refused with one clear error; nothing else comes out."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import isthmus
from isthmus import parameters
from isthmus.errors import UserError
from isthmus.parameters import AutoencoderParameters, DetectorParameters

X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
NAMES = sorted(f.name for f in dataclasses.fields(AutoencoderParameters))
WORDS = sorted({c for f in dataclasses.fields(AutoencoderParameters) for c in f.metadata["allowed"].choices})
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.sampled_from(WORDS), st.text(max_size=8),
    st.complex_numbers(), st.binary(max_size=4), st.just(np.int64(3)), st.just(np.float32("nan")), st.just(object()),
    st.just(np.array([1, 2])),
)  # fmt: skip
VALUES = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=3), st.lists(SCALARS, max_size=3).map(tuple),
    st.dictionaries(st.text(max_size=6), SCALARS, max_size=3), st.lists(st.integers(1, 9), max_size=3),
)  # fmt: skip


@given(chosen=st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=3))
def test_any_parameters_give_a_plan_or_one_error(chosen):
    """Of `Autoencoder`: what a fit would do, or a `UserError` that names a parameter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            plan = isthmus.Autoencoder(**chosen).plan(X)
        except UserError as error:
            said = str(error)
            assert any(name in said for name in (*NAMES, "layer", "column")), said
            assert "\n" not in said
        else:
            assert plan.batch_size >= 1


@given(
    chosen=st.dictionaries(
        st.sampled_from([f.name for f in dataclasses.fields(DetectorParameters)]), VALUES, min_size=1
    )
)
def test_any_parameters_of_a_detector_are_taken_or_refused(chosen):
    """Of `AnomalyDetector`: the check of its parameters."""
    try:
        parameters.check(isthmus.AnomalyDetector(**chosen))
    except UserError as error:
        said = str(error)
        assert "of AnomalyDetector must be" in said
