"""What the tests of the verbs for detectors share: normal and new rows, a detector in a file, and a model that is quick to fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import isthmus
from isthmus.data.png import png_bytes

ODD = (4, 11)


def homes(rows: int, seed: int, odd: tuple[int, ...] = ()) -> list[str]:
    """Lines of homes whose rooms follow from their kind, and price from rooms; of odd ones they do not."""
    draw = np.random.default_rng(seed)
    lines = []
    for row in range(rows):
        rooms = int(draw.integers(1, 9))
        kind = "house" if rooms > 3 else "flat"
        price = 80_000 * rooms + draw.normal(0, 5_000)
        if row in odd:
            rooms, kind, price = 8, "flat", 2_000_000
        lines.append(f"{price:.0f},{rooms},{kind},{('00701', '01234')[row % 2]}")
    return lines


@pytest.fixture(scope="session")
def odd() -> tuple[int, ...]:
    """Places of the rows and pictures of `new` and `new_photos` that are no normal ones."""
    return ODD


@pytest.fixture(scope="session")
def normal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 normal homes."""
    path = tmp_path_factory.mktemp("homes") / "normal.csv"
    path.write_text("\n".join(["price,rooms,kind,zip", *homes(100, 0)]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def new(normal: Path) -> Path:
    """30 more homes; those of `ODD` are odd."""
    path = normal.with_name("new.csv")
    path.write_text("\n".join(["price,rooms,kind,zip", *homes(30, 1, ODD)]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def labelled(new: Path) -> Path:
    """The homes of `new` with a column of labels."""
    lines = new.read_text(encoding="utf-8").splitlines()
    labels = ["label", *(str(int(row in ODD)) for row in range(30))]
    path = new.with_name("labelled.csv")
    path.write_text("\n".join(f"{line},{label}" for line, label in zip(lines, labels, strict=True)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def detector(normal: Path) -> Path:
    """A detector fitted to `normal`."""
    path = normal.with_name("homes.safetensors")
    inside = isthmus.DenoisingAutoencoder(latent_dim=3, network="dense", max_epochs=2)
    isthmus.AnomalyDetector(inside, random_state=0).fit(str(normal)).save(path)
    return path


@pytest.fixture(scope="session")
def new_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """14 pictures like `photos`; those of `ODD` have a bright corner where it is dark."""
    folder = tmp_path_factory.mktemp("pictures") / "new"
    folder.mkdir()
    draw = np.random.default_rng(2)
    for place in range(14):
        ramp = np.linspace(0, 255, 30).reshape(6, 5) * draw.uniform(0.2, 1)
        if place in ODD:
            ramp[:2, :2] = 255
        (folder / f"shot{place:02d}.png").write_bytes(png_bytes(ramp))
    return folder


@pytest.fixture(scope="session")
def photo_detector(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector fitted to `photos`."""
    path = tmp_path_factory.mktemp("model") / "photo-detector.safetensors"
    isthmus.AnomalyDetector(isthmus.Autoencoder(2, max_epochs=1), random_state=0).fit(str(photos)).save(path)
    return path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Detectors that are given no model fit one that takes no time."""

    def small(data: object, *, mixed: bool, ordered: bool) -> isthmus.Autoencoder:
        return isthmus.Autoencoder(2, network="dense", max_epochs=0)

    monkeypatch.setattr("isthmus.models.detecting.default_model", small)
