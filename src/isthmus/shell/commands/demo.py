"""``isthmus demo``: a complete run on real handwritten digits, from pictures to a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isthmus.errors import OutputError
from isthmus.shell import output, results, terminal

LATENT_DIM = 16
SEED = 0


@click.command("demo")
@click.option(
    "--output", "target", default="demo", show_default=True, metavar="FOLDER", help="Where to write the results."
)
def command(target: str) -> None:
    """Show a complete run on handwritten digits.

    Fits the pictures inside scikit-learn, compares with PCA, encodes, and writes a report.
    Takes less than a minute and needs no network.
    """
    folder = _folder(target)
    paths = {name: str(folder / name) for name in ("digits.safetensors", "test.npy", "latents.csv", "report.html")}
    for path in paths.values():
        output.check_file(path, ())
    train, test, labels = _digits()
    terminal.say("isthmus demo: real handwritten digits, 8 x 8 pixels from 0 to 16", bold=True)
    terminal.say(f"{len(train):,} pictures to fit, {len(test)} held out that the model never sees")
    from isthmus.models.autoencoder import Autoencoder

    terminal.say(f"fitting: {train[0].size} pixels to {LATENT_DIM} numbers and back ...")
    model = Autoencoder(LATENT_DIM, random_state=SEED).fit(train)
    _compare(model, test)
    model.save(paths["digits.safetensors"])
    output.write_pictures(paths["test.npy"], test)
    results.write_latents(model, test, paths["latents.csv"])
    from isthmus.views.report import report

    report(model, test, paths["report.html"], labels=labels)
    _tell(paths, folder)


def pixel_errors(model: Any, found: dict[str, float | None]) -> dict[str, float]:
    """Mean squared errors of one pixel, ours and PCA's, from the estimator's own errors, whose unit is ``scale`` squared."""
    unit = model.encoder_.scale**2
    return {name: unit * value for name in ("error", "pca_error") if (value := found[name]) is not None}


def _folder(target: str) -> Path:
    folder = Path(target)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"Cannot make the folder '{folder}': {error.strerror or error}.") from error
    return folder


def _digits() -> tuple[Any, Any, Any]:
    """Pictures to fit, pictures to test, and the digits that those show."""
    from sklearn.model_selection import train_test_split

    from isthmus.data import datasets

    pictures, digits = datasets.load("digits", labels=True)
    train, test, _, labels = train_test_split(pictures, digits, test_size=0.2, random_state=SEED, stratify=digits)
    return train, test, labels


def _compare(model: Any, test: Any) -> None:
    found = model.compare(test)
    errors = pixel_errors(model, found)
    terminal.say(f"mean squared error of a pixel, on the {len(test)} held-out pictures", bold=True)
    rows = [("PCA, 16 numbers", f"{errors['pca_error']:.3f}"), ("isthmus, 16 numbers", f"{errors['error']:.3f}")]
    terminal.pairs([*rows, ("in words", results.against_pca(found))])


def _tell(paths: dict[str, str], folder: Path) -> None:
    """Say where things are, what to look at and what to type next."""
    terminal.say("written", bold=True)
    terminal.pairs(
        [
            (paths["report.html"], "open it in a browser: digits above their reconstructions, the worst ones, the map"),
            (paths["digits.safetensors"], "the model: one file with weights and scaling, and no code"),
            (paths["latents.csv"], "the held-out digits as 16 numbers each"),
            (paths["test.npy"], "the held-out digits themselves"),
        ]
    )
    model, test = paths["digits.safetensors"], paths["test.npy"]
    terminal.suggest(
        ("inspect", model),
        ("score", model, test),
        ("reconstruct", model, test, "-o", str(folder / "reconstructed.png")),
    )
    terminal.say(f"your own data: {terminal.program()} fit your-data.csv -o model.safetensors")
