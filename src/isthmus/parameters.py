"""What each estimator can be told: one keyword-only dataclass each, the only place where a parameter is declared.

The estimator's signature, the checks, the command-line flags, the JSON in a model file and the tables of the
documentation all come from these fields. Standard library only, so that ``--help`` answers without torch.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from isthmus.allowed import Allowed, offer
from isthmus.errors import ParameterError

KINDS = ("number", "category", "flag", "date")
NETWORKS = ("auto", "dense", "conv", "conv1d")
ACTIVATIONS = ("gelu", "silu", "relu", "elu", "tanh", "sigmoid")
OPTIMIZERS = ("adamw", "adam", "rmsprop", "rmsprop-tf", "adadelta", "sgd")
SCALINGS = ("auto", "common", "column", "range", "none")
MOST = 2**24  # of a size that a model file holds; a layer so wide takes more memory than most machines have
MOST_MEMBERS = 256
THRESHOLDS = ("conformal", "quantile", "peaks", "mean", "median")
LOSSES = ("auto", "mse", "mae", "huber", "bce")


def parameter(default: Any, help: str, *, positional: bool = False, **allowed: Any) -> Any:
    """A dataclass field that carries its default and its `Allowed` values."""
    metadata = {"allowed": Allowed(help=help, **allowed)}
    return dataclasses.field(default=default, kw_only=not positional, metadata=metadata)


def allowed(owner: Any, name: str) -> Allowed:
    """The allowed values of one parameter of a parameter class (or of an instance)."""
    return next(f.metadata["allowed"] for f in dataclasses.fields(owner) if f.name == name)  # type: ignore[no-any-return]


def check(owner: Any) -> None:
    """Raise `ParameterError` for the first parameter of ``owner`` whose value is not allowed."""
    for field in dataclasses.fields(owner):
        check_value(field.name, getattr(owner, field.name), field.metadata["allowed"], type(owner).__name__)


def check_value(name: str, value: object, rule: Allowed, owner: str) -> None:
    """Raise `ParameterError` with the allowed values, and the nearest name, unless ``rule`` admits ``value``."""
    if rule.admits(value):
        return
    near = difflib.get_close_matches(value, rule.choices, n=1) if isinstance(value, str) else []
    hint = f' Did you mean "{near[0]}"?' if near else ""
    raise ParameterError(f"{name} of {owner} must be {rule.words()}; got {value!r}.{hint}")


def from_text(name: str, text: str, rule: Allowed, owner: str) -> Any:
    """The value that ``text`` (a command-line argument) stands for, checked.

    >>> from_text("latent_dim", "16", allowed(AutoencoderParameters, "latent_dim"), "Autoencoder")
    16
    """
    value: Any = text
    convert = int if rule.number == "int" else float
    if text not in rule.choices and rule.number is not None:
        try:
            value = tuple(convert(part) for part in text.split(",")) if rule.several else convert(text)
        except ValueError:
            value = text
    check_value(name, value, rule, owner)
    return value


def check_kinds(kinds: object, columns: tuple[str, ...] | None) -> dict[str, str]:
    """The ``kinds`` parameter as a dict; an error names an unknown column or kind and offers the nearest."""
    if kinds is None:
        return {}
    if not isinstance(kinds, Mapping):
        raise ParameterError(f'kinds must map column names to kinds, such as {{"zip": "category"}}; got {kinds!r}.')
    for column, kind in kinds.items():
        check_value(f"kinds[{column!r}]", kind, Allowed(help="", choices=KINDS), "the data")
        if columns is not None and column not in columns:
            near = difflib.get_close_matches(str(column), columns, n=1)
            there = f" Columns: {', '.join(columns[:20])}." if columns else " Only frames and files have named columns."
            hint = f" Did you mean {near[0]!r}?" if near else there
            raise ParameterError(f"kinds names a column {column!r} that the data does not have.{hint}")
    return {str(k): str(v) for k, v in kinds.items()}


_OWN_NETWORK = (
    'a dict of layers such as {"encoder": ["dense 32 relu"], "decoder": ["dense 784"]}, a pair (encoder, decoder) of '
    "nn.Module, a callable(input_shape, latent_dim)"
)


class Parameters:
    """Parameters whose names are looked at first: Python's own error would name the class that declares them."""

    def __new__(cls, *_: Any, **given: Any) -> Self:
        """Refuse a name that the class does not have.

        Raises
        ------
        TypeError : as Python does, with the nearest name.
        """
        known = [*inspect.signature(cls.__init__).parameters.values()][1:]  # without self
        if any(p.kind is p.VAR_KEYWORD for p in known):  # a user's subclass may take any
            return super().__new__(cls)
        names = [p.name for p in known]
        for name in (name for name in given if name not in names):
            raise TypeError(f"{cls.__name__} has no parameter {name!r}. {offer(name, names)}")
        return super().__new__(cls)


@dataclass(eq=False, repr=False)
class AutoencoderParameters(Parameters):
    """Parameters of `isthmus.Autoencoder`; see there for what each does."""

    latent_dim: int | str = parameter(
        "auto", "Size of the latent vector.", positional=True, choices=("auto",), number="int", low=1, high=MOST
    )
    hidden_dims: Any = parameter(
        "auto", "Hidden layer sizes of the encoder; the decoder mirrors them.",
        choices=("auto",), number="int", low=1, high=MOST, several=True,
    )  # fmt: skip
    network: Any = parameter("auto", "The kind of network.", choices=NETWORKS, python_only=_OWN_NETWORK)
    activation: str = parameter("gelu", "The non-linearity between layers.", choices=ACTIVATIONS)
    output: str = parameter(
        "auto", "What the last layer ends in; a sigmoid output gives up the start at PCA.",
        choices=("auto", "linear", "sigmoid"),
    )  # fmt: skip
    scaling: str = parameter(
        "auto",
        "Common: one factor for all columns; column: one factor each; range: 0 to 1 by one lowest and one highest value; "
        "none: values as they are.",
        choices=SCALINGS,
    )  # fmt: skip
    kinds: Any = parameter(
        None,
        "Column kinds to use in place of those found out.",
        none=True,
        python_only='a dict such as {"zip": "category"}',
    )
    channels: str = parameter(
        "auto", "Which axis of a 4-D array of pictures holds the channels.", choices=("auto", "first", "last")
    )
    loss: str = parameter("auto", "What training minimises for numbers and pixels.", choices=LOSSES)
    optimizer: str = parameter("adamw", "The optimizer.", choices=OPTIMIZERS)
    optimizer_options: Any = parameter(
        None, "More settings of the optimizer, by torch's names.", none=True,
        python_only='a dict such as {"alpha": 0.9, "eps": 1e-7}',
    )  # fmt: skip
    learning_rate: float | str = parameter(
        "auto", "Highest learning rate of the schedule.", choices=("auto",), number="float", low=0, open_low=True
    )
    schedule: str = parameter(
        "anneal", "Anneal: the rate rises for a tenth of the steps, then falls to zero; constant: it stays.",
        choices=("anneal", "constant"),
    )  # fmt: skip
    batch_size: int | str = parameter(
        "auto", "Rows in a training step.", choices=("auto",), number="int", low=1, high=MOST
    )
    max_epochs: int | str = parameter(
        "auto", "Passes over the training rows; 0 is PCA.", choices=("auto",), number="int", low=0
    )
    patience: int | str | None = parameter(
        "auto", "Epochs without a better validation error before training stops; None never stops early.",
        choices=("auto",), number="int", low=1, none=True,
    )  # fmt: skip
    validation_fraction: float = parameter(
        0.1, "Share of the rows held out to choose the best weights (at most 4,096 rows); 0 holds out none.",
        number="float", low=0, high=1, open_high=True,
    )  # fmt: skip
    keep: str = parameter(
        "best", "Weights that a fit ends with: those of the epoch with the least validation error, or the last.",
        choices=("best", "last"),
    )  # fmt: skip
    members: int = parameter(
        1, "Networks that are trained as one; their reconstructions are averaged, their latents stand side by side.",
        number="int", low=1, high=MOST_MEMBERS,
    )  # fmt: skip
    trim: float = parameter(
        0.0, "Share of the rows of each step, those restored worst, that do not count in it.",
        number="float", low=0, high=0.5,
    )  # fmt: skip
    precision: str = parameter(
        "auto", "Number format of training; everything after training runs in float32.",
        choices=("auto", "float32", "bfloat16"),
    )  # fmt: skip
    device: str = parameter("auto", "Where training runs.", choices=("auto", "cpu", "cuda", "mps"))
    random_state: Any = parameter(
        None, "Seed; the same seed gives the same bytes.", number="int", low=0, high=2**32 - 1, none=True,
        python_only="a numpy RandomState",
    )  # fmt: skip
    warm_start: bool = parameter(False, "Start from the weights of the last fit.", flag=True)
    progress: Any = parameter(
        "auto", "Show a progress bar; auto: on a terminal, for fits over two seconds.", choices=("auto",), flag=True
    )
    callbacks: Any = parameter((), "Objects whose hooks are called in training.", python_only="a sequence of callbacks")
    run_dir: Any = parameter(
        None,
        "Folder for the state of the fit, now and then; a fit that was stopped goes on from there.",
        path=True,
        none=True,
    )
    checkpoint_seconds: float = parameter(
        30.0, "From one such state to the next, at least; 0: after every step.", number="float", low=0
    )
    fresh: bool = parameter(False, "Forget what the run directory holds.", flag=True)
    resume_from: Any = parameter(
        None, "The state to go on from, RUN_DIR/ckpt/STEP, even with other data or settings.", path=True, none=True
    )


@dataclass(eq=False, repr=False)
class DenoisingParameters(AutoencoderParameters):
    """Parameters of `isthmus.DenoisingAutoencoder`; see there for what each does."""

    corruption: Any = parameter(
        "auto", "What spoils the rows in training.", positional=True,
        choices=("auto",), python_only="a corruption of isthmus.corruptions",
    )  # fmt: skip
    latent_dim: int | str = parameter(
        "auto", "Size of the latent vector; asking for one leaves the U-shaped network, which has none.",
        choices=("auto",), number="int", low=1, high=MOST,
    )  # fmt: skip
    network: Any = parameter(
        "auto", "The kind of network; unet has no latent.", choices=(*NETWORKS, "unet"), python_only=_OWN_NETWORK
    )


@dataclass(eq=False, repr=False)
class DetectorParameters(Parameters):
    """Parameters of `isthmus.AnomalyDetector`; see there for what each does."""

    model: Any = parameter(
        None, "The autoencoder inside; None: an ensemble of denoising autoencoders.", positional=True,
        none=True, python_only="an estimator of isthmus, such as Autoencoder(8)",
    )  # fmt: skip
    threshold: str = parameter("conformal", "The rule that makes a threshold of held-out scores.", choices=THRESHOLDS)
    false_alarm_rate: float | str = parameter(
        "auto", "Share of normal rows that may be flagged; auto: 1 %, but never fewer than 10 expected held-out rows.",
        choices=("auto",), number="float", low=0, high=1, open_low=True, open_high=True,
    )  # fmt: skip
    deviations: float = parameter(
        3.0, "Deviations above the middle, for the rules mean and median.", number="float", low=0
    )
    contamination: float | str | None = parameter(
        None,
        "Share of anomalies among the rows of fit, which is flagged exactly; auto: some, of unknown number; None: none.",
        choices=("auto",), number="float", low=0, high=0.5, open_low=True, none=True,
    )  # fmt: skip
    calibration_fraction: float = parameter(
        0.2, "Share of the rows set aside for the threshold (at most 4,096 rows).",
        number="float", low=0, high=0.5, open_low=True,
    )  # fmt: skip
    reference_rows: int = parameter(
        10_000, "Training rows that are kept as neighbours, also in the file; 0: none, the score is the residual alone.",
        number="int", low=0, high=MOST,
    )  # fmt: skip
    random_state: Any = parameter(
        None, "Seed; the same seed gives the same bytes.", number="int", low=0, high=2**32 - 1, none=True,
        python_only="a numpy RandomState",
    )  # fmt: skip
    progress: Any = parameter(
        "auto", "Show a progress bar; auto: on a terminal, for fits over two seconds.", choices=("auto",), flag=True
    )
