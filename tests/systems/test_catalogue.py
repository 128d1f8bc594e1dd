"""Tests of `isthmus.systems.catalogue`: each system is what its tutorial says, told here in other words."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from torch import nn

from isthmus import Autoencoder, DenoisingAutoencoder
from isthmus.data.catalogue import DATASETS
from isthmus.layout import ColumnLayout, PixelLayout
from isthmus.nets.build import outline_layers
from isthmus.nets.layers import Layers
from isthmus.systems.catalogue import CATALOGUE, Recipe
from isthmus.systems.showing import SHOWS

NETWORKS = {
    "mnist-deep-sigmoid": "784-256 sigmoid, 256-128 sigmoid, 128-128 sigmoid, 128-784 sigmoid",
    "mnist-deep-sigmoid mirrored": "784-256 sigmoid, 256-128 sigmoid, 128-256 sigmoid, 256-784 sigmoid",
    "mnist-dense-36": "784-36 relu, 36-784 sigmoid",
    "mnist-conv-7x7": (
        "4@3x3 relu, pool 2, 8@3x3 relu, pool 2, 1@7x7 relu, "
        "16@3x3 relu, up 2, 8@3x3 relu, up 2, 4@3x3 relu, 1@3x3 sigmoid"
    ),
    "mnist-3d": "784-3 relu, 3-784 sigmoid",
    "mnist-one-hidden-256": "784-256 sigmoid, 256-784 sigmoid",
    "fashion-64": "784-64 relu, 64-784 sigmoid",
    "fashion-denoise": "16@3x3/2 relu, 8@3x3/2 relu, transposed 8@3x3/2 relu, transposed 16@3x3/2 relu, 1@3x3 sigmoid",
    "ecg-anomaly": "140-32 relu, 32-16 relu, 16-8 relu, 8-16 relu, 16-32 relu, 32-140 sigmoid",
}
# Data, optimizer, rate, batch, epochs, loss, what validates, start values, and the figure to reach.
TRAINING = {
    "mnist-deep-sigmoid": ("mnist", "rmsprop-tf", 0.02, 256, 50, "mse", "nothing", "normal", 0.0769),
    "mnist-dense-36": ("mnist", "adadelta", 1.0, 256, 10, "bce", "test", "glorot-uniform", 0.0321),
    "mnist-conv-7x7": ("mnist", "adadelta", 1.0, 128, 10, "bce", "test", "glorot-uniform", 0.0111),
    "mnist-3d": ("mnist", "adam", 1e-3, 32, 10, "mse", "nothing", "glorot-uniform", 0.0506),
    "mnist-one-hidden-256": ("mnist", "rmsprop-tf", 0.01, 100, 20, "mse", "nothing", "normal", 0.0279),
    "fashion-64": ("fashion-mnist", "adam", 1e-3, 32, 10, "mse", "last fifth", "glorot-uniform", 0.00897),
    "fashion-denoise": ("fashion-mnist", "adam", 1e-3, 32, 10, "mse", "last fifth", "glorot-uniform", 0.00685),
    "ecg-anomaly": ("ecg5000", "adam", 1e-3, 512, 20, "mae", "last fifth", "glorot-uniform", 0.944),
}
# Settings of the optimizers: those of Keras, and TensorFlow 1's own, which are the defaults.
SETTINGS = {
    "mnist-deep-sigmoid": {"alpha": 0.9, "eps": 1e-7, "start": 0.0},
    "mnist-one-hidden-256": {},
    "adadelta": {"rho": 0.95, "eps": 1e-7},
    "adam": {"betas": (0.9, 0.999), "eps": 1e-7},
}
ACTIVATIONS = {nn.Sigmoid: "sigmoid", nn.ReLU: "relu"}


def plan_of(recipe: Recipe, parameters):
    """What a fit to a few rows of the recipe's form would do."""
    wide = {"detect": (30, 140)}.get(recipe.task, (30, 784) if recipe.flat else (30, 28, 28))
    rows = np.random.default_rng(0).random(wide).astype(np.float32)
    made = DenoisingAutoencoder if recipe.task == "denoise" else Autoencoder
    return made(**parameters).plan(rows)


def in_words(layers: Layers, layout) -> str:
    """The layers of a network as it is built, in the tutorials' notation."""
    network = outline_layers(layers, layout, 0, squash=False)
    said: list[str] = []
    for module in (*network.encoder.modules(), *network.decoder.modules()):
        if isinstance(module, nn.Linear):
            said.append(f"{module.in_features}-{module.out_features}")
        elif isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            step = "" if module.stride == (1, 1) else f"/{module.stride[0]}"
            kind = "transposed " if isinstance(module, nn.ConvTranspose2d) else ""
            said.append(f"{kind}{module.out_channels}@{module.kernel_size[0]}x{module.kernel_size[1]}{step}")
        elif isinstance(module, nn.MaxPool2d):
            said.append(f"pool {module.kernel_size}")
        elif isinstance(module, nn.Upsample):
            said.append(f"up {module.scale_factor:g}")
        elif type(module) in ACTIVATIONS:
            said[-1] += f" {ACTIVATIONS[type(module)]}"
    return ", ".join(said)


@pytest.fixture(params=CATALOGUE)
def recipe(request):
    """Each recipe in turn."""
    return CATALOGUE[request.param]


def test_the_eight_systems():
    """There are eight, each under its own name."""
    assert list(CATALOGUE) == list(TRAINING)
    assert all(name == entry.name for name, entry in CATALOGUE.items())


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_as_written(name):
    """Each network, and each other reading of it, has the layers of the tutorial, and a latent where they say."""
    system, _, alternative = name.partition(" ")
    recipe = CATALOGUE[system]
    parameters = {**recipe.as_written, **(recipe.alternatives[alternative] if alternative else {})}
    plan = plan_of(recipe, parameters)
    layout = ColumnLayout(140 if recipe.task == "detect" else 784) if recipe.flat else PixelLayout((1, 28, 28))
    assert plan.network == "layers"
    assert in_words(plan.layers, layout) == NETWORKS[name]


def test_training_as_written(recipe):
    """Data, optimizer with its settings, rate, batch, epochs, loss, validation, start values and figure are the tutorial's."""
    plan = plan_of(recipe, recipe.as_written)
    batch = recipe.as_written["batch_size"]  # a plan has no more than there are rows
    found = (
        recipe.dataset, plan.optimizer, plan.learning_rate, batch, plan.max_epochs, plan.loss, recipe.validation,
        plan.layers.initializer, recipe.reach,
    )  # fmt: skip
    assert found == TRAINING[recipe.name]
    assert plan.optimizer_options == SETTINGS.get(recipe.name, SETTINGS.get(plan.optimizer))


def test_nothing_of_ours_in_what_is_written(recipe):
    """As written, values go in as they are, all rows train at one rate, and the last weights count."""
    plan = plan_of(recipe, recipe.as_written)
    assert (plan.scaling, plan.schedule, plan.keep, plan.validation_rows) == ("none", "constant", "last", 0)
    assert (plan.patience, plan.precision, plan.weight_decay) == (None, "float32", 0.0)


def test_alternatives_can_be_planned(recipe):
    """Every other reading changes parameters that there are, and something in the plan."""
    for change in recipe.alternatives.values():
        assert set(change) <= set(recipe.as_written)
        assert plan_of(recipe, {**recipe.as_written, **change}) != plan_of(recipe, recipe.as_written)


def test_improved_has_the_same_latent_size(recipe):
    """Improved is our own network at the latent size of the tutorial; to restore, none is needed."""
    improved, written = plan_of(recipe, recipe.improved), plan_of(recipe, recipe.as_written)
    assert improved.layers is None
    assert improved.latent_dim == (0 if recipe.task == "denoise" else written.latent_dim)
    assert (improved.output, improved.schedule, improved.keep) == ("linear", "anneal", "best")


def test_what_is_shown_is_known(recipe):
    """Every name in ``shows`` is a section, every data set one of ours, and there is a sentence about the system."""
    assert set(recipe.shows) <= set(SHOWS)
    assert recipe.dataset in DATASETS
    assert recipe.task in ("reconstruct", "denoise", "detect")
    assert recipe.validation in ("nothing", "test", "last fifth")
    assert (recipe.noise > 0) is (recipe.task == "denoise")
    assert recipe.about.endswith(".")


def test_a_recipe_is_data():
    """Nothing in a recipe can be called, and none can be changed."""
    for recipe in CATALOGUE.values():
        assert not any(callable(getattr(recipe, field.name)) for field in dataclasses.fields(recipe))
        with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign"):
            recipe.name = "mine"
    with pytest.raises(TypeError, match="does not support item assignment"):
        CATALOGUE["mine"] = CATALOGUE["mnist-3d"]
