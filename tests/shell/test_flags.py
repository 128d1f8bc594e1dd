from __future__ import annotations

import dataclasses
import importlib
import inspect

import click
import pytest

import isthmus
from isthmus.corrupting.kinds import KINDS
from isthmus.corrupting.text import kebab
from isthmus.errors import ParameterError
from isthmus.parameters import DenoisingParameters, DetectorParameters
from isthmus.shell import flags
from isthmus.shell.commands.detect import command as detect
from isthmus.shell.commands.fit import command

OPTIONS = {option.name: option for option in command.params}
IN_PYTHON_ONLY = ("callbacks", "optimizer_options", "warm_start")
TYPED = [f for f in dataclasses.fields(DenoisingParameters) if f.name not in IN_PYTHON_ONLY]


@pytest.mark.parametrize("field", TYPED, ids=lambda f: f.name)
def test_every_parameter_has_a_flag_with_its_help(field):
    """A parameter that can be typed has a flag of its name, with its help and its default."""
    option = OPTIONS[field.name]
    flag = "--output-layer" if field.name == "output" else "--" + field.name.replace("_", "-")
    assert flag in option.opts
    assert field.metadata["allowed"].help in option.help
    # The command line keeps the state of a fit beside the model, as `test_fit` shows.
    default = "OUTPUT.run" if field.name == "run_dir" else "none" if field.default is None else field.default
    assert field.name in ("kinds", "corruption") or f"default: {default}" in option.help


@pytest.mark.parametrize(
    "field", [f for f in dataclasses.fields(DetectorParameters) if f.name != "model"], ids=lambda f: f.name
)
def test_every_parameter_of_a_detector_has_a_flag(field):
    """What a detector can be told in Python, but for its model, can be typed."""
    option = next(option for option in detect.params if option.name == field.name)
    assert "--" + field.name.replace("_", "-") in option.opts
    assert field.metadata["allowed"].help in option.help


def given(*words):
    """The parameters that a command line sets."""
    context = command.make_context("fit", ["data.csv", *words])
    flagged = {name: value for name, value in context.params.items() if name in {f.name for f in TYPED}}
    with context:
        return flags.given(context, flagged)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {}),
        (["--latent-dim", "16"], {"latent_dim": 16}),
        (["--latent-dim", "auto"], {"latent_dim": "auto"}),
        (["--hidden-dims", "512,256"], {"hidden_dims": (512, 256)}),
        (["--learning-rate", "1e-3"], {"learning_rate": 0.001}),
        (["--patience", "none"], {"patience": None}),
        (["--no-progress"], {"progress": False}),
        (["--output-layer", "sigmoid"], {"output": "sigmoid"}),
        (["--corruption", "swap 0.1"], {"corruption": "swap 0.1"}),
        (["--kinds", "zip=category", "--kinds", "a=b=date"], {"kinds": {"zip": "category", "a=b": "date"}}),
    ],
)
def test_only_what_was_typed_is_passed_on(words, expected):
    """A flag becomes the value that Python code would pass; the estimator's defaults are not repeated."""
    assert given(*words) == expected


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--latent-dim", "0"], r'--latent-dim must be an integer >= 1 and <= 16,777,216 or "auto"; got 0'),
        (["--latent-dim", "2.5"], r"--latent-dim must be an integer >= 1"),
        (["--learning-rate", "nan"], r"--learning-rate must be a number > 0"),
        (["--optimizer", "adamm"], r'Did you mean "adam"\?'),
        (["--network", "pair"], r'--network must be "auto", "dense", "conv", "conv1d" or "unet"; got \'pair\''),
        (["--kinds", "zip"], r"must be COLUMN=KIND, such as zip=category; got 'zip'"),
        (["--kinds", "zip=categroy"], r'Did you mean "category"\?'),
        (["--size", "28"], r"--size must be HEIGHTxWIDTH in pixels, such as 64x48; got '28'"),
    ],
)
def test_a_wrong_value_says_what_is_allowed(words, match):
    """A value that is not allowed is an error that names the flag and what may stand there."""
    with pytest.raises(ParameterError, match=match):
        given(*words)


def test_help_names_every_corruption():
    """The help, which loads no corruption, knows them all."""
    assert sorted(flags.CORRUPTIONS) == sorted(kebab(name) for name in KINDS)


def test_size_is_height_by_width():
    """``--size 64x48`` is 64 high and 48 wide."""
    assert flags.Size().convert("64x48", None, None) == (64, 48)


def read_with(*words):
    """What ``how`` holds after a command line."""
    found = {}

    @click.command()
    @flags.read_options
    def probe(how):
        found.update(how)

    assert probe.main(list(words), standalone_mode=False) is None
    return found


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--delimiter", ";", "--no-header"],
        ["--delimiter", "tab", "--header", "--size", "4x3", "--on-bad-image", "skip"],
    ],
)
def test_read_options_can_be_typed_again(words):
    """The words for how data were read say the same once more."""
    how = read_with(*words)
    assert flags.typed_again(how) == words
    assert set(how) <= set(inspect.signature(isthmus.read).parameters)


@pytest.mark.parametrize("typed", ["tab", "\\t", "\t"])
def test_a_tab_can_be_typed(typed):
    """A tab has a word, because it is hard to type."""
    assert read_with("--delimiter", typed)["delimiter"] == "\t"


@pytest.mark.parametrize("verb", ["fit", "encode", "reconstruct", "denoise", "detect", "explain", "score", "report"])
def test_every_verb_that_reads_data_has_the_read_options(verb):
    """A file that needs a word to be read needs it in every verb."""
    names = {option.name for option in importlib.import_module(f"isthmus.shell.commands.{verb}").command.params}
    assert {"delimiter", "header", "size", "on_bad_image"} <= names
