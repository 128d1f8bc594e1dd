"""Tests of `isthmus.parameters`: what each parameter admits, and how a refusal is worded."""

from __future__ import annotations

import dataclasses
import inspect
import math

import numpy as np
import pytest

from isthmus import AnomalyDetector, Autoencoder, DenoisingAutoencoder
from isthmus.allowed import Allowed
from isthmus.errors import ParameterError
from isthmus.parameters import (
    AutoencoderParameters,
    allowed,
    check,
    check_kinds,
    check_value,
    from_text,
)

FIELDS = [field.name for field in dataclasses.fields(AutoencoderParameters)]


@pytest.mark.parametrize("name", FIELDS)
def test_defaults_are_allowed(name):
    """A parameter's default obeys its own rule."""
    rule = allowed(AutoencoderParameters, name)
    assert rule.admits(getattr(AutoencoderParameters(), name))


@pytest.mark.parametrize("name", FIELDS)
def test_every_parameter_is_described(name):
    """A parameter has a sentence for ``--help`` and says what is allowed."""
    rule = allowed(AutoencoderParameters, name)
    assert rule.help.endswith(".")
    assert rule.words()


@pytest.mark.parametrize("name", FIELDS)
def test_every_choice_can_be_typed(name):
    """Each named value can be given on the command line and comes out as itself."""
    rule = allowed(AutoencoderParameters, name)
    for choice in rule.choices:
        assert from_text(name, choice, rule, "Autoencoder") == choice


def test_only_the_first_is_positional():
    """``latent_dim`` may be given by position, all else by name."""
    kinds = [p.kind for p in inspect.signature(AutoencoderParameters).parameters.values()]
    assert kinds[0] is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert set(kinds[1:]) == {inspect.Parameter.KEYWORD_ONLY}


def test_storing_checks_nothing():
    """A wrong value is stored and refused by `check`, as scikit-learn wants it."""
    owner = AutoencoderParameters(latent_dim=-1)
    wanted = r"latent_dim of AutoencoderParameters must be an integer >= 1 and <= 16,777,216 or \"auto\"; got -1\."
    with pytest.raises(ParameterError, match=wanted):
        check(owner)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latent_dim", 0),
        ("latent_dim", 2.0),
        ("latent_dim", True),
        ("latent_dim", "many"),
        ("latent_dim", None),
        ("latent_dim", 2**24 + 1),
        ("latent_dim", 10**400),
        ("learning_rate", float("inf")),
        ("hidden_dims", ()),
        ("hidden_dims", 512),
        ("hidden_dims", (512, 0)),
        ("network", 7),
        ("learning_rate", 0),
        ("learning_rate", math.nan),
        ("validation_fraction", 1),
        ("validation_fraction", -0.1),
        ("random_state", -1),
        ("random_state", 2**32),
        ("warm_start", 1),
        ("device", "gpu"),
        ("optimizer", None),
    ],
)
def test_wrong_values(name, value):
    """A value of the wrong type or out of range is refused by its name."""
    with pytest.raises(ParameterError, match=f"{name} of "):
        check(AutoencoderParameters(**{name: value}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latent_dim", np.int64(3)),
        ("hidden_dims", [512, 256]),
        ("hidden_dims", (1024,)),
        ("network", lambda shape, latent_dim: None),
        ("learning_rate", np.float32(0.001)),
        ("learning_rate", 1),
        ("validation_fraction", 0),
        ("patience", None),
        ("max_epochs", 0),
        ("random_state", 2**32 - 1),
        ("random_state", np.random.RandomState(0)),
        ("kinds", {"zip": "category"}),
        ("warm_start", True),
    ],
)
def test_right_values(name, value):
    """Values within the range pass, those of NumPy too."""
    check(AutoencoderParameters(**{name: value}))


@pytest.mark.parametrize(
    ("made", "given", "complaint"),
    [
        (Autoencoder, {"latnt_dim": 3}, r"^Autoencoder has no parameter 'latnt_dim'\. Did you mean 'latent_dim'\?"),
        (AnomalyDetector, {"refrence_rows": 3}, r"^AnomalyDetector has no .* Did you mean 'reference_rows'\?"),
        (DenoisingAutoencoder, {"qqq": 3}, r"^DenoisingAutoencoder has no parameter 'qqq'\. It has: corruption, "),
    ],
)
def test_unknown_names(made, given, complaint):
    """The error names the estimator that was called, and the nearest of its parameters."""
    with pytest.raises(TypeError, match=complaint):
        made(**given)


def test_names_of_a_users_subclass():
    """It may have parameters of its own, or take any."""

    class Own(Autoencoder):
        def __init__(self, own=1):
            super().__init__(2)
            self.own = own

    class Open(Autoencoder):
        def __init__(self, **given):
            super().__init__(**given)

    assert Own(own=3).own == 3
    assert Open(latent_dim=3).latent_dim == 3
    with pytest.raises(TypeError, match=r"^Own has no parameter 'latent_dim'\. It has: own\.$"):
        Own(latent_dim=2)


def test_the_nearest_name_is_offered():
    """A mistyped name gets the nearest allowed one."""
    with pytest.raises(ParameterError, match=r'got \'cdua\'\. Did you mean "cuda"\?'):
        check(AutoencoderParameters(device="cdua"))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("latent_dim", "16", 16),
        ("latent_dim", "auto", "auto"),
        ("hidden_dims", "512,256", (512, 256)),
        ("hidden_dims", "512", (512,)),
        ("learning_rate", "1e-3", 0.001),
    ],
)
def test_text_of_the_command_line(name, text, value):
    """A word of the command line becomes the value that it stands for."""
    assert from_text(name, text, allowed(AutoencoderParameters, name), "Autoencoder") == value


@pytest.mark.parametrize(
    ("name", "text"), [("latent_dim", "1.5"), ("hidden_dims", "512,,256"), ("learning_rate", "nan")]
)
def test_text_that_stands_for_nothing(name, text):
    """A word that is no value is refused in the same words as in Python."""
    with pytest.raises(ParameterError, match=f"{name} of Autoencoder must be"):
        from_text(name, text, allowed(AutoencoderParameters, name), "Autoencoder")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Allowed("", number="int", low=1), "an integer >= 1"),
        (Allowed("", number="float", low=0, high=1, open_high=True), "a number >= 0 and < 1"),
        (Allowed("", choices=("a", "b"), none=True), '"a", "b" or None'),
        (Allowed("", flag=True), "True or False"),
        (Allowed("", number="int", several=True), "a sequence of integers"),
    ],
)
def test_words(rule, words):
    """What is allowed reads as a phrase."""
    assert rule.words() == words


def test_check_value_names_the_owner():
    """The complaint says whose parameter it is."""
    with pytest.raises(ParameterError, match="size of the window must be an integer"):
        check_value("size", "x", Allowed("", number="int"), "the window")


def test_kinds_may_be_missing():
    """No kinds are an empty dict."""
    assert check_kinds(None, ("a",)) == {}


@pytest.mark.parametrize(
    ("kinds", "complaint"),
    [
        ("category", "must map column names to kinds"),
        ({"zip": "categorie"}, r"Did you mean \"category\"\?"),
        ({"zipp": "category"}, r"a column 'zipp' that the data does not have\. Did you mean 'zip'\?"),
        ({"q": "category"}, r"Columns: zip, age\."),
    ],
)
def test_wrong_kinds(kinds, complaint):
    """A wrong kind or an unknown column is refused with the nearest one."""
    with pytest.raises(ParameterError, match=complaint):
        check_kinds(kinds, ("zip", "age"))
