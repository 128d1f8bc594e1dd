"""The named systems of the tutorials, run by one call: as written, improved, and the classical baseline beside both.

A recipe is data (`isthmus.systems.catalogue`); the estimators do the work. ``run`` prints a line an epoch as the tutorials
do, then a table of all sides, and writes pictures, a report, the two models and the figures into a folder where one is named.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus import atomic
from isthmus.errors import OutputError, ParameterError
from isthmus.systems.catalogue import CATALOGUE, Recipe
from isthmus.systems.material import Material, material
from isthmus.systems.running import AS_WRITTEN, IMPROVED, Side, run_as_written, run_baselines, run_improved
from isthmus.systems.watching import Say

REPORTED = 2_000
"""Test rows that the report looks at."""


@dataclass(frozen=True, eq=False)
class Result:
    """What a run gave.

    Attributes
    ----------
    recipe : what was run.
    sides : as written and improved, as far as asked for, then the baselines.
    files : what was written.
    """

    recipe: Recipe
    sides: tuple[Side, ...]
    files: tuple[Path, ...] = ()

    def table(self) -> list[tuple[str, ...]]:
        """Header and rows of text: one row for each figure, one column for each side."""
        names = list(dict.fromkeys(name for side in self.sides for name in side.figures))
        head = ("", *(side.name for side in self.sides))
        rows = [(name, *(shown(side.figures.get(name)) for side in self.sides)) for name in names]
        return [head, *rows]

    def record(self) -> dict[str, Any]:
        """The figures as JSON holds them."""
        sides = {side.name: {"figures": side.figures, "history": side.history} for side in self.sides}
        return {"recipe": self.recipe.name, "reach": {self.recipe.figure: self.recipe.reach}, "sides": sides}


def names() -> tuple[str, ...]:
    """Name all recipes.

    >>> names()[:2]
    ('mnist-deep-sigmoid', 'mnist-dense-36')
    """
    return tuple(CATALOGUE)


def find(name: str) -> Recipe:
    """Give one recipe; an unknown name is a `ParameterError` that offers the nearest.

    >>> find("fashion-64").dataset
    'fashion-mnist'
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    near = difflib.get_close_matches(str(name), CATALOGUE, n=3, cutoff=0.4)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise ParameterError(f"There is no recipe {name!r}.{hint} There are: {', '.join(CATALOGUE)}.")


def run(
    name: str,
    *,
    as_written: bool = True,
    improved: bool = True,
    alternative: str | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    random_state: int = 0,
    say: Say = print,
) -> Result:
    """Run a recipe.

    Parameters
    ----------
    name : one of `names`.
    as_written, improved : which of the two to run, default both; the baseline is always run.
    alternative : the name of another reading of the tutorial, where the recipe has one.
    data_dir : folder that holds the data set, in place of ``ISTHMUS_DATA`` and the cache folder.
    output : folder for pictures, report, models and ``result.json``; made where it is missing. None writes nothing.
    random_state : seed, default 0; the same seed gives the same figures.
    say : takes each line of text, default ``print``.

    Raises
    ------
    ParameterError : unknown recipe or alternative, nothing to run.
    DataError : the data set is not at hand.
    OutputError : the folder cannot be written.
    """
    recipe = find(name)
    if alternative is not None and not as_written:
        raise ParameterError("alternative is another reading of the tutorial: it needs as_written.")
    parameters = {**recipe.as_written, **_alternative(recipe, alternative)}
    if not (as_written or improved):
        raise ParameterError("nothing to run: ask for as_written, improved, or both.")
    rows = material(recipe, data_dir)  # first, so that no empty folder is left where there are no data
    folder = None if output is None else _folder(output)
    sides: list[Side] = []
    if as_written:
        say(f"{recipe.name}, as written")
        sides.append(run_as_written(recipe, rows, parameters, random_state, say))
    if improved:
        say(f"{recipe.name}, improved: isthmus's own network at the same latent size")
        sides.append(run_improved(recipe, rows, random_state))
    sides += run_baselines(recipe, rows, random_state)
    result = Result(recipe, tuple(sides))
    return result if folder is None else _written(result, rows, folder)


def _alternative(recipe: Recipe, name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    if name not in recipe.alternatives:
        there = ", ".join(recipe.alternatives) or "none"
        raise ParameterError(f"the recipe {recipe.name!r} has no alternative {name!r}; it has: {there}.")
    return dict(recipe.alternatives[name])


def _folder(output: str | os.PathLike[str]) -> Path:
    folder = Path(output)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "result.json").is_file():
        raise OutputError(
            f"Cannot write into '{folder}': it holds other files. Name a new folder, or one of an earlier run."
        )
    atomic.make_folder(folder)
    atomic.check_writable(folder / "result.json")
    return folder


def _written(result: Result, rows: Material, folder: Path) -> Result:
    from isthmus.systems.showing import first_section, sections_of
    from isthmus.views.charts import as_png
    from isthmus.views.pictures import sheet_png
    from isthmus.views.report import report

    parts = sections_of(result.recipe, rows, result.sides)
    drawn = {strip.name: sheet_png(strip) for part in parts for strip in part.strips}
    drawn |= {chart.name: as_png(chart) for part in parts for chart in part.charts}
    files = []
    for name, content in drawn.items():
        files.append(folder / f"{name}.png")
        atomic.write_bytes(files[-1], content)
    models = {
        side.name: side.model for side in result.sides if side.model is not None and side.name in (AS_WRITTEN, IMPROVED)
    }
    for name, model in models.items():
        files.append(folder / f"{name.replace(' ', '-')}.safetensors")
        model.save(files[-1])
    main = list(models.values())[-1]
    more = [first_section(result.recipe, result.table()), *parts]
    labels = rows.labels[:REPORTED]
    files.append(
        report(main, rows.test[:REPORTED], folder / "report.html", labels=labels, title=result.recipe.name, more=more)
    )
    files.append(folder / "result.json")
    atomic.write_bytes(files[-1], (json.dumps(result.record(), indent=1) + "\n").encode())
    return Result(result.recipe, result.sides, tuple(files))


def shown(value: float | None) -> str:
    """A figure as tables show it; nothing for None."""
    return "" if value is None else f"{value:.4f}" if abs(value) < 10 else f"{value:.1f}"


def described(recipe: Recipe) -> Sequence[tuple[str, str]]:
    """Name and value of each part of a recipe, as text."""
    network = recipe.as_written["network"]
    layers = [(part, " → ".join(network[part])) for part in ("encoder", "decoder")]
    rest = {key: value for key, value in recipe.as_written.items() if key != "network"}
    return [
        ("what", recipe.about),
        ("data", recipe.dataset),
        *layers,
        ("start values", network.get("initializer", "glorot-uniform")),
        *((key.replace("_", " "), str(value)) for key, value in rest.items()),
        ("improved", ", ".join(f"{key}={value!r}" for key, value in recipe.improved.items()) or "isthmus's defaults"),
        ("to reach as written", f"{recipe.figure} {recipe.reach}"),
        *((f"alternative {name}", str(dict(change))) for name, change in recipe.alternatives.items()),
        *(("remark", remark) for remark in recipe.remarks),
    ]
