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
from isthmus.atomic_folder import (
    Hold,
    force_to_disk,
    move_folder,
    open_folder,
    refuse_links,
    remove_folder,
    remove_if_empty,
    sweep,
)
from isthmus.errors import DataError, IsthmusWarning, ModelFileError, OutputError, RunChangedError
from isthmus.files import container, strict_json

KEPT = 2
MANIFEST, STATE, IDENTITY = "MANIFEST.json", "state.json", "run.json"
FIT = "fit"
"""The group of an identity that every fit has."""
START_OVER = "Start over with fresh=True (--fresh), or name another run directory."
MOST_JSON_BYTES = 64 * 2**20
_STEP = re.compile(r"\d{9,18}")
_MOVED = re.compile(r"\d{9,18}\.\d{1,4}")  # a damaged checkpoint of a step that was moved aside before
_NAMES = re.compile(r"[a-z]{1,20}\.(?:safetensors|json)")

Arrays = dict[str, NDArray[Any]]


class RunFolder:
    """A run directory that this process holds until `close`.

    Parameters
    ----------
    path : made where it is missing.
    fresh : forget what it holds, once the fit that comes in its place is accepted (`adopt`).

    Raises
    ------
    RunBusyError : another process holds it.
    OutputError : it cannot be written to, holds other things and no fit, or a symbolic link is in it.
    """

    def __init__(self, path: str | os.PathLike[str], *, fresh: bool = False) -> None:
        self.path, self._fresh = Path(path), fresh
        if not may_hold_a_run(self.path):
            raise OutputError(
                f"'{self.path}' holds other things and no fit of isthmus; name another run directory, or an empty one."
            )
        refuse_links(self.path)
        atomic.make_folder(self.path)
        self._hold = Hold(self.path)
        try:
            atomic.make_folder(self.path / "ckpt")
            sweep(self.path / "ckpt")
            if not (self.path / IDENTITY).exists():  # a kill while it was written leaves a part of it
                sweep(self.path)
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
        if self._fresh:
            return None
        try:
            found = _read_json(self.path / IDENTITY)
        except FileNotFoundError:
            return None
        except (OSError, strict_json.NotStrictError) as error:
            raise ModelFileError(f"Cannot read '{self.path / IDENTITY}': {error}. {START_OVER}") from error
        if not isinstance(found, dict) or not all(isinstance(group, dict) for group in found.values()):
            raise ModelFileError(f"'{self.path / IDENTITY}' does not describe a fit. {START_OVER}")
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
        if before is not None and not differing:
            return
        if differing and not changes and not self.is_empty():
            finished = any(state.get("finished") for state in self._states())
            raise RunChangedError(
                f"The run directory '{self.path}' holds {'a finished' if finished else 'an unfinished'} fit that differs: "
                f"{'; '.join(differing[:5])}{'; …' if len(differing) > 5 else ''}. {START_OVER}", finished=finished,
            )  # fmt: skip
        if self._fresh:
            self._forget()
            self._fresh = False
        atomic.write_bytes(self.path / IDENTITY, strict_json.dumps(identity).encode())

    def is_of(self, identity: dict[str, Any]) -> bool:
        """Whether this is the run directory of just that fit."""
        before = self.identity()
        return before is not None and not _differences(before, identity)

    def steps(self) -> list[int]:
        """The steps of which there are checkpoints, whole or not, in order."""
        folder = self.path / "ckpt"
        names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        return sorted(int(name) for name in names if _STEP.fullmatch(name))

    def save(self, step: int, state: dict[str, Any], tensors: Mapping[str, Arrays]) -> None:
        """Add the checkpoint of a step, then remove all but the last two, and any of later steps.

        There are such where a fit was told to go on from an older one.

        Parameters
        ----------
        state : plain JSON. Where there is a whole checkpoint of that step with the same, it stays as it is.
        tensors : arrays by name for each file, "model", "optim" and so on.
        """
        if step in self.steps() and self._is_whole(step, state):
            return
        with open_folder(self._of(step)) as folder:
            for name, arrays in tensors.items():
                shapes = {key: [array.dtype.str, list(array.shape)] for key, array in arrays.items()}
                container.write(folder / f"{name}.safetensors", {"shapes": shapes}, arrays)
            atomic.write_bytes(folder / STATE, strict_json.dumps(state).encode())
            files = {entry.name: _described(entry) for entry in sorted(folder.iterdir())}
            atomic.write_bytes(folder / MANIFEST, strict_json.dumps({"step": step, "files": files}).encode())
        self.keep_only(*[other for other in self.steps() if other <= step][-KEPT:])

    def keep_only(self, *kept: int) -> None:
        """Remove all checkpoints but those of the steps ``kept``."""
        for step in self.steps():
            if step not in kept:
                remove_folder(self._of(step))

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
            raise ModelFileError(f"No checkpoint in '{self.path}' is whole. {START_OVER}")
        return None

    def is_empty(self) -> bool:
        """Whether it holds no checkpoint, whole or not."""
        return not self.steps() and not self._quarantined()

    def _of(self, step: int) -> Path:
        return self.path / "ckpt" / f"{step:09d}"

    def _is_whole(self, step: int, state: dict[str, Any]) -> bool:
        try:
            return strict_json.dumps(read_checkpoint(self._of(step))[0]) == strict_json.dumps(state)
        except ModelFileError:
            return False

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
        """Remove what is ours, and nothing else."""
        for name in ("ckpt", "quarantine"):
            inside = self.path / name
            for entry in sorted(inside.iterdir()) if inside.is_dir() else []:
                if _STEP.fullmatch(entry.name) or (name == "quarantine" and _MOVED.fullmatch(entry.name)):
                    remove_folder(entry)
        atomic.remove(self.path / IDENTITY)

    def discard(self) -> None:
        """Remove what is ours, and the folder where nothing else is in it."""
        self._forget()
        for folder in (self.path / "ckpt", self.path / "quarantine"):
            remove_if_empty(folder)
        atomic.remove(self.path / "LOCK")
        remove_if_empty(self.path)


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
    except (OSError, strict_json.NotStrictError, KeyError, TypeError, ValueError, AttributeError) as error:
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
    if not Path(path).is_dir() or not may_hold_a_run(Path(path)):
        return
    folder = RunFolder(path)
    try:
        if whole or folder.is_empty():
            folder.discard()
    finally:
        folder.close()


def may_hold_a_run(path: Path) -> bool:
    """Whether ``path`` is free for a run directory, or is one: it describes a fit, or nothing is in it but a lock."""
    if not path.is_dir():
        return not (path.exists() or path.is_symlink())
    with atomic.output_errors(f"use the run directory '{path}'"):
        names = _names_in(path)
        if names <= {"LOCK"}:
            return True
        inside = _names_in(path / "ckpt") if (path / "ckpt").is_dir() else set()
    if not all(_STEP.fullmatch(name) for name in inside):
        return False
    if IDENTITY not in names:
        return names <= {"LOCK", "ckpt", "quarantine"}
    try:
        return FIT in _read_json(path / IDENTITY)
    except (OSError, TypeError, strict_json.NotStrictError):
        return bool(inside)  # damaged, but among our checkpoints


def _names_in(folder: Path) -> set[str]:
    """Of all entries but what a kill left of those that were being written."""
    return {entry.name for entry in folder.iterdir() if not entry.match(atomic.LEFTOVER)}


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
    """What differs, as "max_epochs was 60, is 80" and "data: rows was 10, is 11"."""
    said = []
    for group in sorted(before.keys() | now.keys()):
        old, new = before.get(group) or {}, now.get(group) or {}
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                words = [str(values.get(name, "absent"))[:60] for values in (old, new)]
                said.append(f"{'' if group == FIT else f'{group}: '}{name} was {words[0]}, is {words[1]}")
    # They follow from everything else, so they say something only where they stand alone.
    return [words for words in said if not words.startswith("first weights")] or said
