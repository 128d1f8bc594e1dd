"""The same networks in other hands: Keras, a plain PyTorch loop, skorch, PyOD. Each trains for some epochs and says how long.

    python bench/peers.py WHO NAME [--rows N] [--epochs E]

WHO is keras, torch, skorch or isthmus, NAME a network of `networks`. One process for each run, so that no library's threads or
memory stand in another's way; `bench/epoch.py` starts them in turn. Prints one JSON line: seconds of each epoch, mean squared error
of the first rows at the end, peak memory. The layers, losses, batches and optimizers are those of isthmus's own recipes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from isthmus import datasets
from isthmus.systems.catalogue import CATALOGUE

WIDE = {
    "network": {"encoder": ["dense 1024 relu", "dense 512 relu", "dense 64"],
                "decoder": ["dense 512 relu", "dense 1024 relu", "dense 784 sigmoid"]},
    "batch_size": 256, "optimizer": "adam", "learning_rate": 1e-3,
}  # fmt: skip
Timed = tuple[list[float], np.ndarray]
"""Seconds of each epoch, and what the trained network makes of the first `SHOWN` rows."""
SHOWN = 2_000
LOSSES = {"mse": "mse", "bce": "binary_crossentropy", "mae": "mae"}


def answer(command: list[str]) -> Any | None:
    """What a program prints as JSON in its last line; None where a library that it imports is not there."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        if "ModuleNotFoundError" in done.stderr:
            return None
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def networks() -> dict[str, dict[str, Any]]:
    """Name to settings: the tutorials' networks as written, and a wide one."""
    return {name: dict(recipe.as_written) for name, recipe in CATALOGUE.items()} | {"wide": WIDE}


def rows_for(name: str, n_rows: int) -> np.ndarray:
    """The rows that a network is trained on, from 0 to 1, flat or as pictures."""
    os.environ.setdefault("ISTHMUS_DATA", "../shared/data")
    recipe = CATALOGUE.get(name)
    data = datasets.load("mnist" if recipe is None else recipe.dataset)
    X = np.asarray(getattr(data, "X", data), dtype=np.float32)
    X = (X - X.min()) / (X.max() - X.min())
    X = X.reshape(len(X), -1) if recipe is None or recipe.flat else X
    return np.ascontiguousarray(X[:n_rows])


def split(line: str) -> tuple[str, list[int], int, str]:
    """A layer's line as (kind, numbers, stride, activation)."""
    kind, *words = line.split()
    numbers = [int(word) for word in words if word.isdigit()]
    stride = numbers.pop() if "stride" in words else 1
    last = words[-1] if words and not words[-1].isdigit() else "linear"
    return kind, numbers, stride, last


def keras_layers(lines: list[str]) -> list[Any]:
    """Keras's layers; pictures have their channels last."""
    from keras import layers

    made: list[Any] = []
    for line in lines:
        kind, numbers, stride, activation = split(line)
        if kind == "dense":
            made.append(layers.Dense(numbers[0], activation=activation))
        elif kind in ("conv", "conv-transpose"):
            layer = layers.Conv2D if kind == "conv" else layers.Conv2DTranspose
            made.append(layer(numbers[0], numbers[1], strides=stride, padding="same", activation=activation))
        elif kind == "max-pool":
            made.append(layers.MaxPooling2D(numbers[0]))
        elif kind == "up":
            made.append(layers.UpSampling2D(numbers[0]))
        elif kind == "flatten":
            made.append(layers.Flatten())
        else:
            made.append(layers.Reshape((*numbers[1:], numbers[0])))
    return made


def with_keras(settings: dict[str, Any], X: np.ndarray, epochs: int) -> Timed:
    """Keras with TensorFlow, as the tutorials run it."""
    os.environ["KERAS_BACKEND"], os.environ["TF_CPP_MIN_LOG_LEVEL"] = "tensorflow", "3"
    import keras

    X = X if X.ndim == 2 else X[..., None]
    listed = keras_layers([*settings["network"]["encoder"], *settings["network"]["decoder"]])
    model = keras.Sequential([keras.Input(X.shape[1:]), *listed])
    if model.output_shape[1:] != X.shape[1:]:
        model.add(keras.layers.Reshape(X.shape[1:]))
    name, rate = settings["optimizer"], settings["learning_rate"]
    kinds = {
        "adam": keras.optimizers.Adam,
        "adadelta": keras.optimizers.Adadelta,
        "rmsprop-tf": keras.optimizers.RMSprop,
    }
    model.compile(optimizer=kinds[name](learning_rate=rate), loss=LOSSES[settings.get("loss", "mse")])
    seconds = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seconds.append(time.perf_counter() - self.start)

    model.fit(X, X, batch_size=settings["batch_size"], epochs=epochs, verbose=0, callbacks=[Clock()])
    return seconds, model.predict(X[:SHOWN], verbose=0)


def torch_parts(settings: dict[str, Any], X: np.ndarray) -> tuple[Any, Any, Callable[[Any], Any]]:
    """The network as torch modules, rows with channels first, and what makes the optimizer."""
    import torch

    from isthmus.nets.layers import build_pair, draw, layers_from

    X = X if X.ndim == 2 else X[:, None]
    network = torch.nn.Sequential(*build_pair(layers_from(settings["network"]), X.shape[1:], X.shape[1:]))
    draw(network, settings["network"].get("initializer", "glorot-uniform"), torch.Generator().manual_seed(0))
    kinds = {"adam": torch.optim.Adam, "adadelta": torch.optim.Adadelta, "rmsprop-tf": torch.optim.RMSprop}
    kind, rate = kinds[settings["optimizer"]], settings["learning_rate"]
    return network, torch.from_numpy(X), lambda weights: kind(weights, lr=rate)


def with_torch(settings: dict[str, Any], X: np.ndarray, epochs: int) -> Timed:
    """A loop as most people write it: DataLoader, zero_grad, backward, step."""
    import torch
    from torch.nn import functional
    from torch.utils.data import DataLoader, TensorDataset

    network, rows, make = torch_parts(settings, X)
    optimizer = make(network.parameters())
    kinds = {"mse": functional.mse_loss, "bce": functional.binary_cross_entropy, "mae": functional.l1_loss}
    loss_of = kinds[settings.get("loss", "mse")]
    loader = DataLoader(TensorDataset(rows), batch_size=settings["batch_size"], shuffle=True)
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        for (batch,) in loader:
            loss = loss_of(network(batch), batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds.append(time.perf_counter() - start)
    with torch.no_grad():
        return seconds, network(rows[:SHOWN]).numpy()


def with_skorch(settings: dict[str, Any], X: np.ndarray, epochs: int) -> Timed:
    """Skorch's regressor, the rows being their own targets."""
    import torch
    from skorch import NeuralNetRegressor

    network, rows, make = torch_parts(settings, X)
    kind = type(make([torch.nn.Parameter(torch.zeros(1))]))
    kinds = {"mse": torch.nn.MSELoss, "bce": torch.nn.BCELoss, "mae": torch.nn.L1Loss}
    net = NeuralNetRegressor(
        network, criterion=kinds[settings.get("loss", "mse")], optimizer=kind, lr=settings["learning_rate"],
        batch_size=settings["batch_size"], max_epochs=epochs, train_split=None, iterator_train__shuffle=True, verbose=0,
    )  # fmt: skip
    net.fit(rows.numpy(), rows.numpy())
    return net.history[:, "dur"], net.forward(rows[:SHOWN]).detach().numpy()


def with_isthmus(settings: dict[str, Any], X: np.ndarray, epochs: int) -> Timed:
    """isthmus, its own measuring after each epoch included; its plan chooses the number format, as it does for any user."""
    from isthmus import Autoencoder
    from isthmus.train.callbacks import Callback

    ends: list[float] = []

    class Clock(Callback):
        def on_fit_start(self, state: Any) -> None:
            ends.append(time.perf_counter())

        def on_epoch_end(self, state: Any) -> None:
            ends.append(time.perf_counter())

    fixed = {"scaling": "none", "schedule": "constant", "keep": "last", "validation_fraction": 0.0, "patience": None}
    model = Autoencoder(
        **{**fixed, **settings, "precision": "auto", "max_epochs": epochs},
        random_state=0,
        callbacks=(Clock(),),
        progress=False,
    )
    model.fit(X)
    return [float(s) for s in np.diff(ends)], model.reconstruct(X[:SHOWN])


WAYS = {"keras": with_keras, "torch": with_torch, "skorch": with_skorch, "isthmus": with_isthmus}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("who", choices=WAYS)
    parser.add_argument("name", choices=networks())
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--epochs", type=int, default=3)
    args = parser.parse_args()
    X = rows_for(args.name, args.rows)
    seconds, made = WAYS[args.who](networks()[args.name], X, args.epochs)
    error = float(((np.asarray(made).reshape(len(made), -1) - X[:SHOWN].reshape(len(made), -1)) ** 2).mean())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": [round(s, 4) for s in seconds], "error": error, "peak_mib": round(memory)}))


if __name__ == "__main__":
    main()
