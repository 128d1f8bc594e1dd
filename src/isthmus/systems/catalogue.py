"""The eight systems of the tutorials as data: sets, networks, training, and the figure that each is known by.

"As written" is what a tutorial says, to the last setting; "improved" is isthmus's own network and training at the same latent
size, with as few passes as keep it within the time of the tutorial's program or 20 seconds on two cores.
Nothing here is a function: what a system needs is a parameter of an estimator, or a name in `isthmus.systems.showing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One complete system.

    Attributes
    ----------
    name : what to call it in `isthmus.recipes.run`.
    about : one sentence.
    dataset : its data, by name.
    task : reconstruct, denoise or detect.
    flat : whether pictures are taken as rows of pixels.
    validation : what the curves of "as written" are drawn on: nothing, the test rows, or the last fifth of the training
        rows, which are then left out of the fit.
    as_written, improved : parameters of the estimator; for ``denoise`` of `DenoisingAutoencoder`, else of `Autoencoder`.
    alternatives : other readings of the tutorial, by name: parameters that replace those of ``as_written``.
    noise : standard deviation of the noise of ``denoise``, as a share of the range; "as written" it is drawn once.
    accuracy : whether the share of pixels rightly black or white is printed beside the loss.
    shows : what is drawn, by the names in `isthmus.systems.showing`.
    figure : the name of the figure in ``reach``.
    reach : that figure as the tutorial's own program gives it.
    remarks : what the tutorial got wrong, or left open.
    """

    name: str
    about: str
    dataset: str
    task: str = "reconstruct"
    flat: bool = True
    validation: str = "nothing"
    as_written: Mapping[str, Any]
    improved: Mapping[str, Any]
    alternatives: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    noise: float = 0.0
    accuracy: bool = False
    shows: tuple[str, ...]
    figure: str = "test error"
    reach: float
    remarks: tuple[str, ...] = ()


# Every tutorial feeds values from 0 to 1 to its network, trains all rows at one rate and takes the last weights.
_AS_WRITTEN: dict[str, Any] = {
    "scaling": "none", "schedule": "constant", "keep": "last", "validation_fraction": 0.0, "patience": None,
    "precision": "float32",
}  # fmt: skip
# Keras's own settings, in torch's names. Keras's RMSprop has its epsilon inside the root, as TensorFlow 1's had; torch's,
# which has it outside, takes far larger steps where gradients are small (test error .024 in place of .078).
_KERAS_ADAM = {"optimizer": "adam", "learning_rate": 1e-3, "optimizer_options": {"betas": (0.9, 0.999), "eps": 1e-7}}
_KERAS_RMSPROP = {
    "optimizer": "rmsprop-tf", "learning_rate": 0.02, "optimizer_options": {"alpha": 0.9, "eps": 1e-7, "start": 0.0},
}  # fmt: skip
_KERAS_ADADELTA = {"optimizer": "adadelta", "learning_rate": 1.0, "optimizer_options": {"rho": 0.95, "eps": 1e-7}}
_TF1_RMSPROP = {"optimizer": "rmsprop-tf", "learning_rate": 0.01}

_DEEP_ENCODER = ["dense 256 sigmoid", "dense 128 sigmoid"]
_CLOSE = (
    "sigmoid activations and weights from N(0, 1) start in the flat parts of the sigmoid, so the network hardly learns"
)

_ENTRIES = (
    Recipe(
        name="mnist-deep-sigmoid",
        about="Handwritten digits through 256 and 128 sigmoid units, as a first autoencoder is often shown.",
        dataset="mnist",
        as_written={
            **_AS_WRITTEN, **_KERAS_RMSPROP, "batch_size": 256, "max_epochs": 50,
            "network": {
                "encoder": _DEEP_ENCODER,
                "decoder": ["dense 128 sigmoid", "dense 784 sigmoid"],
                "initializer": "normal",
            },
        },
        alternatives={
            "mirrored": {
                "network": {
                    "encoder": _DEEP_ENCODER,
                    "decoder": ["dense 256 sigmoid", "dense 784 sigmoid"],
                    "initializer": "normal",
                },
            }
        },
        improved={"latent_dim": 128, "network": "dense", "max_epochs": 10},
        shows=("reconstructions", "curves"),
        reach=0.0769,
        remarks=(
            "its text says that the decoder mirrors the encoder (128-256-784), its program has 128-128-784: both can be "
            "run (--alternative mirrored)",
            _CLOSE,
            "with torch's RMSprop, whose epsilon stands outside the root, the same settings end at 0.024: steps are larger where "
            "gradients are small",
        ),
    ),
    Recipe(
        name="mnist-dense-36",
        about="Handwritten digits as 36 numbers, with encoder and decoder on their own.",
        dataset="mnist",
        validation="test",
        as_written={
            **_AS_WRITTEN, **_KERAS_ADADELTA, "batch_size": 256, "max_epochs": 10, "loss": "bce",
            "network": {"encoder": ["dense 36 relu"], "decoder": ["dense 784 sigmoid"]},
        },
        improved={"latent_dim": 36, "network": "dense", "max_epochs": 8},
        accuracy=True,
        shows=("reconstructions", "curves"),
        reach=0.0321,
        remarks=(
            "Adadelta's rate is taken as 1.0: at 0.001, which Keras 3 now defaults to, the program hardly trains",
            "it validates on the test images; nothing is chosen by them here",
            'its "accuracy" counts pixels that are exactly black or white and come out on the right side of one half: a '
            "reconstruction of grey values has no use for it",
        ),
    ),
    Recipe(
        name="mnist-conv-7x7",
        about="Handwritten digits through seven convolutions, their code a picture of 7 x 7.",
        dataset="mnist",
        flat=False,
        validation="test",
        as_written={
            **_AS_WRITTEN, **_KERAS_ADADELTA, "batch_size": 128, "max_epochs": 10, "loss": "bce",
            "network": {
                "encoder": ["conv 4 3 relu", "max-pool 2", "conv 8 3 relu", "max-pool 2", "conv 1 7 relu"],
                "decoder": [
                    "reshape 1 7 7", "conv 16 3 relu", "up 2", "conv 8 3 relu", "up 2", "conv 4 3 relu", "conv 1 3 sigmoid",
                ],
            },
        },
        improved={"latent_dim": 49, "max_epochs": 10},
        shows=("codes", "curves"),
        reach=0.0111,
        remarks=("Adadelta's rate is taken as 1.0, as in the dense network",),
    ),
    Recipe(
        name="mnist-3d",
        about="Handwritten digits as points in space.",
        dataset="mnist",
        flat=False,
        as_written={
            **_AS_WRITTEN, **_KERAS_ADAM, "batch_size": 32, "max_epochs": 10,
            "network": {"encoder": ["flatten", "dense 3 relu"], "decoder": ["dense 784 sigmoid", "reshape 1 28 28"]},
        },
        improved={"latent_dim": 3, "network": "dense", "max_epochs": 12},
        shows=("latent map", "reconstructions"),
        reach=0.0506,
        remarks=("a ReLU code has no negative coordinates: digits that need them pile up on its walls",),
    ),
    Recipe(
        name="mnist-one-hidden-256",
        about="Handwritten digits through one hidden layer of 256 sigmoid units, from the first days of TensorFlow.",
        dataset="mnist",
        as_written={
            **_AS_WRITTEN, **_TF1_RMSPROP, "batch_size": 100, "max_epochs": 20,
            "network": {
                "encoder": ["dense 256 sigmoid"],
                "decoder": ["dense 784 sigmoid"],
                "initializer": "normal",
            },
        },
        improved={"latent_dim": 256, "network": "dense", "max_epochs": 12},
        shows=("reconstructions", "curves"),
        figure="training loss, last epoch",
        reach=0.0279,
        remarks=(
            "its optimizer is TensorFlow 1's RMSprop, whose accumulator starts at 1 and whose epsilon stands inside the root; "
            "today's Keras stalls at 0.0581 with the same settings",
            _CLOSE,
        ),
    ),
    Recipe(
        name="fashion-64",
        about="Pieces of clothing as 64 numbers.",
        dataset="fashion-mnist",
        flat=False,
        validation="last fifth",
        as_written={
            **_AS_WRITTEN, **_KERAS_ADAM, "batch_size": 32, "max_epochs": 10,
            "network": {"encoder": ["flatten", "dense 64 relu"], "decoder": ["dense 784 sigmoid", "reshape 1 28 28"]},
        },
        improved={"latent_dim": 64, "network": "dense", "max_epochs": 10},
        shows=("reconstructions", "curves"),
        reach=0.00897,
    ),
    Recipe(
        name="fashion-denoise",
        about="Noise taken off pieces of clothing.",
        dataset="fashion-mnist",
        task="denoise",
        flat=False,
        validation="last fifth",
        noise=0.2,
        as_written={
            **_AS_WRITTEN, **_KERAS_ADAM, "batch_size": 32, "max_epochs": 10,
            "network": {
                "encoder": ["conv 16 3 stride 2 relu", "conv 8 3 stride 2 relu"],
                "decoder": [
                    "reshape 8 7 7", "conv-transpose 8 3 stride 2 relu", "conv-transpose 16 3 stride 2 relu",
                    "conv 1 3 sigmoid",
                ],
            },
        },
        improved={},
        shows=("restorations", "curves"),
        reach=0.00685,
        remarks=(
            "one of the tutorials shows what its network makes of the clean pictures by mistake; here the noisy ones go in",
            "its noise is drawn once for each picture, so the network also learns that noise by heart; isthmus draws it anew at "
            "every step",
        ),
    ),
    Recipe(
        name="ecg-anomaly",
        about="Heartbeats that are not normal, found by a network that has seen normal ones only.",
        dataset="ecg5000",
        task="detect",
        validation="last fifth",
        as_written={
            **_AS_WRITTEN, **_KERAS_ADAM, "batch_size": 512, "max_epochs": 20, "loss": "mae",
            "network": {
                "encoder": ["dense 32 relu", "dense 16 relu", "dense 8 relu"],
                "decoder": ["dense 16 relu", "dense 32 relu", "dense 140 sigmoid"],
            },
        },
        improved={"latent_dim": 8},
        shows=("beats", "errors", "curves"),
        figure="accuracy",
        reach=0.944,
        remarks=(
            "its threshold, mean + standard deviation of the errors of the training part's normal beats (a fifth of which the "
            "network did not see), calls about one normal beat in ten abnormal: held-out rows and a stated rate say so beforehand",
            "precision and recall are printed for both choices of the positive class, since the tutorial counts normal beats "
            "as positive",
        ),
    ),
)  # fmt: skip
CATALOGUE: Mapping[str, Recipe] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
