"""The run directory of a fit: what it is a fit of, and checkpoints of it, each whole or not there.

    RUN_DIR/LOCK                    who uses it
    RUN_DIR/run.json                what it is a fit of: settings, data, versions
    RUN_DIR/ckpt/000001234/         the state after step 1,234: model.safetensors, optim.safetensors, best.safetensors,
                                    state.json, and MANIFEST.json with the size and the SHA-256 of each
    RUN_DIR/quarantine/             checkpoints that were found damaged

Checkpoints are found by the step in their name, never by a clock. The newest whole one counts; a damaged one is moved aside. Where
only damaged ones are left, that is an error: nothing starts from zero without being asked to. The last two are kept.
"""

from __future__ import annotations

import hashlib
import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus import atomic
from isthmus.atomic_folder import Hold, force_to_disk, move_folder, open_folder, remove_folder, sweep
from isthmus.errors import DataError, IsthmusWarning, ModelFileError, OutputError, RunChangedError
from isthmus.files import container, strict_json

KEPT = 2
MANIFEST, STATE, IDENTITY = "MANIFEST.json", "state.json", "run.json"
MOST_JSON_BYTES = 64 * 2**20
_STEP = re.compile(r"\d{9}")
_NAMES = re.compile(r"[a-z]{1,20}\.(?:safetensors|json)")

Arrays = dict[str, NDArray[Any]]


class RunFolder:
    """A run directory that this process holds until `close`.

    Parameters
    ----------
    path : made where it is missing.
    fresh : forget what it holds.

    Raises
    ------
    RunBusyError : another process holds it.
    OutputError : it cannot be written to.
    """

    def __init__(self, path: str | os.PathLike[str], *, fresh: bool = False) -> None:
        self.path = Path(path)
        atomic.make_folder(self.path)
        self._hold = Hold(self.path)
        try:
            for folder in (self.path, self.path / "ckpt"):
                sweep(folder)
            if fresh:
                self._forget()
            atomic.make_folder(self.path / "ckpt")
            # Else a power cut could take the folders away from around whole checkpoints.
            force_to_disk(self.path, self.path.parent)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let other processes have it."""
        self._hold.release()

    def identity(self) -> dict[str, Any] | None:
        """What it is a fit of; None where nothing was written yet."""
        try:
            found = _read_json(self.path / IDENTITY)
        except FileNotFoundError:
            return None
        except (OSError, strict_json.NotStrictError) as error:
            raise ModelFileError(f"Cannot read '{self.path / IDENTITY}': {error}. {self._start_over()}") from error
        if not isinstance(found, dict):
            raise ModelFileError(f"'{self.path / IDENTITY}' does not describe a fit. {self._start_over()}")
        return found

    def adopt(self, identity: dict[str, Any], *, changes: bool = False) -> None:
        """Make this the run directory of a fit, or see that it is.

        Parameters
        ----------
        identity : settings, data and versions: groups of values by name.
        changes : take it over from a fit that differs.

        Raises
        ------
        RunChangedError : it holds checkpoints of a fit that differs; the message names what does.
        """
        before = self.identity()
        differing = [] if before is None else _differences(before, identity)
        if not differing and before is not None:
            return
        if differing and not changes and (self.steps() or self._quarantined()):
            finished = any(state.get("finished") for state in self._states())
            raise RunChangedError(
                f"The run directory '{self.path}' holds {'a finished' if finished else 'an unfinished'} fit that differs: "
                f"{'; '.join(differing[:5])}{'; …' if len(differing) > 5 else ''}. {self._start_over()}", finished=finished,
            )  # fmt: skip
        atomic.write_bytes(self.path / IDENTITY, strict_json.dumps(identity).encode())

    def steps(self) -> list[int]:
        """The steps of which there are checkpoints, whole or not, in order."""
        folder = self.path / "ckpt"
        return (
            sorted(int(entry.name) for entry in folder.iterdir() if _STEP.fullmatch(entry.name))
            if folder.is_dir()
            else []
        )

    def save(self, step: int, state: dict[str, Any], tensors: Mapping[str, Arrays]) -> None:
        """Add the checkpoint of a step, then remove all but the last two, and any of later steps.

        There are such where a fit was told to go on from an older one.

        Parameters
        ----------
        state : plain JSON.
        tensors : arrays by name for each file, "model", "optim" and so on.
        """
        with open_folder(self._of(step)) as folder:
            for name, arrays in tensors.items():
                shapes = {key: [array.dtype.str, list(array.shape)] for key, array in arrays.items()}
                container.write(folder / f"{name}.safetensors", {"shapes": shapes}, arrays)
            atomic.write_bytes(folder / STATE, strict_json.dumps(state).encode())
            files = {entry.name: _described(entry) for entry in sorted(folder.iterdir())}
            atomic.write_bytes(folder / MANIFEST, strict_json.dumps({"step": step, "files": files}).encode())
        steps = self.steps()
        kept = [other for other in steps if other <= step][-KEPT:]
        for other in steps:
            if other not in kept:
                remove_folder(self._of(other))

    def keep_only(self, step: int) -> None:
        """Remove all checkpoints but that of ``step``."""
        for other in self.steps():
            if other != step:
                remove_folder(self._of(other))

    def latest(self) -> tuple[dict[str, Any], dict[str, Arrays]] | None:
        """State and arrays of the newest whole checkpoint; None where there never was one.

        Raises
        ------
        ModelFileError : all that are left are damaged.
        """
        for step in reversed(self.steps()):
            try:
                return read_checkpoint(self._of(step))
            except ModelFileError as error:
                aside = move_folder(self._of(step), self.path / "quarantine")
                warnings.warn(f"{error} It was moved to '{aside}'.", IsthmusWarning, stacklevel=2)
        if self._quarantined():
            raise ModelFileError(f"No checkpoint in '{self.path}' is whole. {self._start_over()}")
        return None

    def is_empty(self) -> bool:
        """Whether it holds no checkpoint, whole or not."""
        return not self.steps() and not self._quarantined()

    def _of(self, step: int) -> Path:
        return self.path / "ckpt" / f"{step:09d}"

    def _quarantined(self) -> bool:
        folder = self.path / "quarantine"
        return folder.is_dir() and any(folder.iterdir())

    def _states(self) -> list[dict[str, Any]]:
        found = []
        for step in self.steps():
            try:
                found.append(_read_json(self._of(step) / STATE))
            except (OSError, strict_json.NotStrictError):
                continue
        return [state for state in found if isinstance(state, dict)]

    def _forget(self) -> None:
        for name in ("ckpt", "quarantine"):
            remove_folder(self.path / name)
        atomic.remove(self.path / IDENTITY)

    def _start_over(self) -> str:
        return "Start over with fresh=True (--fresh), or name another run directory."


def read_checkpoint(folder: Path) -> tuple[dict[str, Any], dict[str, Arrays]]:
    """State and arrays of one checkpoint, all of it checked against its manifest.

    Raises
    ------
    ModelFileError : it is damaged, or no checkpoint.
    """
    try:
        manifest = _read_json(folder / MANIFEST)
        files = manifest["files"]
        if manifest["step"] != int(folder.name) or not all(_NAMES.fullmatch(name) for name in files):
            raise KeyError("step")
        for name, wanted in files.items():
            if _described(folder / name) != wanted:
                raise ModelFileError(f"The checkpoint '{folder}' is damaged: {name} is not what was written.")
        state = _read_json(folder / STATE)
        names = [Path(name).stem for name in files if name.endswith(".safetensors")]
        arrays = {name: container.read(folder / f"{name}.safetensors", _expected)[1] for name in names}
    except (OSError, strict_json.NotStrictError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(
            f"The checkpoint '{folder}' is damaged: it lacks a part or holds another ({error})."
        ) from error
    if not isinstance(state, dict):
        raise ModelFileError(f"The checkpoint '{folder}' is damaged: {STATE} describes nothing.")
    return state, arrays


def discard(path: str | os.PathLike[str], *, whole: bool = False) -> None:
    """Remove a run directory in which no checkpoint was ever made; ``whole``: in any case."""
    if not Path(path).is_dir():
        return
    folder = RunFolder(path)
    try:
        if whole or folder.is_empty():
            remove_folder(folder.path)
    finally:
        folder.close()


def _expected(spec: dict[str, Any]) -> container.Expected:
    try:
        return {name: (np.dtype(dtype), tuple(shape)) for name, (dtype, shape) in spec["shapes"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError("it does not say which arrays it holds") from error


def _described(path: Path) -> dict[str, Any]:
    with open(path, "rb") as handle:
        return {"bytes": os.fstat(handle.fileno()).st_size, "sha256": hashlib.file_digest(handle, "sha256").hexdigest()}


def _read_json(path: Path) -> Any:
    if path.stat().st_size > MOST_JSON_BYTES:
        raise OutputError(f"'{path}' is larger than {MOST_JSON_BYTES >> 20} MiB")
    try:
        return strict_json.loads(path.read_bytes().decode())
    except UnicodeDecodeError as error:
        raise strict_json.NotStrictError("it is not UTF-8") from error


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs, as "max_epochs was 60, is 80"."""
    said = []
    for group in sorted(before.keys() | now.keys()):
        old, new = before.get(group) or {}, now.get(group) or {}
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                words = [str(values.get(name, "absent"))[:60] for values in (old, new)]
                said.append(f"{name} was {words[0]}, is {words[1]}")
    # They follow from everything else, so they say something only where they stand alone.
    return [words for words in said if not words.startswith("first weights")] or said
