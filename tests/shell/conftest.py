"""What the tests of the command line share: a way to run it, small data, and models fitted to them."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from isthmus.data.png import png_bytes
from isthmus.shell import cli


@dataclass(frozen=True)
class Result:
    """What one command left: its exit code and its two streams."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line of a failed command, after a check that it is one, and is meant for the user."""
        assert self.code == 2, self.err
        lines = [line for line in self.err.splitlines() if not line.startswith("isthmus: note: ")]
        assert len(lines) == 1, self.err
        assert lines[0].startswith("isthmus: error: "), self.err
        return lines[0]


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process."""

    def call(*words: str | Path) -> Result:
        capsys.readouterr()
        code = cli.run([str(word) for word in words])
        said = capsys.readouterr()
        return Result(code, said.out, said.err)

    return call


def quietly(words: Sequence[str | Path]) -> None:
    """Run a command whose output nobody needs."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert cli.run([str(word) for word in words]) == 0


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its name, with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file with a number, a number with gaps, a category that looks like a number, a flag and a date."""
    draw = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("table") / "people.csv"
    lines = ["age,height,zip,paid,day"]
    for row in range(60):
        age = draw.normal(40, 10)
        height = "" if row % 7 == 3 else f"{170 + age / 4 + draw.normal():.2f}"
        zip_code = ("00701", "01234", "09999")[int(age > 35) + int(age > 45)]
        lines.append(f"{age:.3f},{height},{zip_code},{'yes' if age > 40 else 'no'},2024-05-{1 + row % 28:02d}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def model(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of `table`."""
    path = tmp_path_factory.mktemp("model") / "people.safetensors"
    quietly(["fit", table, "-o", path, "--latent-dim", "2", "--max-epochs", "2", "--random-state", "0"])
    return path


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 24 grey pictures, 6 high and 5 wide."""
    folder = tmp_path_factory.mktemp("pictures") / "photos"
    folder.mkdir()
    draw = np.random.default_rng(1)
    for place in range(24):
        ramp = np.linspace(0, 255, 30).reshape(6, 5) * draw.uniform(0.2, 1)
        (folder / f"photo{place:02d}.png").write_bytes(png_bytes(ramp))
    return folder


@pytest.fixture(scope="session")
def photo_model(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of `photos`."""
    path = tmp_path_factory.mktemp("model") / "photos.safetensors"
    quietly(["fit", photos, "-o", path, "--latent-dim", "2", "--max-epochs", "1", "--random-state", "0"])
    return path


@pytest.fixture(scope="session")
def listing() -> Callable[[Path], dict[str, bytes]]:
    """The files below a folder with their bytes, to compare before and after."""
    return contents
