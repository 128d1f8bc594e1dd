"""A fit with a run directory: what it is a fit of, and where its checkpoints go.

In: an estimator with ``run_dir``. Out: `isthmus.train.checkpoint.Checkpoints` for its job, once the directory is seen to hold
nothing or the same fit: the same rows, the same plan, the same first weights and seed, and the versions and threads that the
last bit of a sum depends on.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import hashlib
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from isthmus.errors import DataError, ParameterError
from isthmus.files.run_folder import FIT, RunFolder, read_checkpoint
from isthmus.nets.seeding import draw_seed
from isthmus.parameters import AutoencoderParameters
from isthmus.prep.rows import EncodedRows
from isthmus.train.checkpoint import Checkpoints, put_weights
from isthmus.train.job import Job, generator_for
from isthmus.version import __version__

BLOCK, PROBED = 4_096, 16


class Run:
    """A fit's hold on its run directory."""

    def __init__(self, folder: RunFolder, parameters: AutoencoderParameters) -> None:
        self._folder, self._parameters = folder, parameters

    def seed(self) -> int:
        """The seed of the fit; where none is given, that of the fit which the directory holds."""
        drawn = draw_seed(self._parameters.random_state)
        if self._parameters.random_state is not None:
            return drawn
        kept = ((self._folder.identity() or {}).get(FIT) or {}).get("seed", drawn)
        return kept if isinstance(kept, int) and 0 <= kept < 2**32 else drawn

    def checkpoints(self, job: Job, rows: EncodedRows, inputs: EncodedRows | None, corruption: Any) -> Checkpoints:
        """Where the fit saves its state.

        Raises
        ------
        RunChangedError : the directory holds a fit that differs.
        """
        network, seed = job.network, job.seed
        chosen = {name: str(value) for name, value in dataclasses.asdict(job.plan).items() if name != "notes"}
        some = rows.slice(0, min(len(rows), PROBED)).clone()
        spoiled = [] if job.corrupt is None else [job.corrupt(some, generator_for(seed, 8))]
        identity: dict[str, Any] = {
            FIT: {
                **chosen, "seed": seed, "corruption": str(corruption.to_spec() if hasattr(corruption, "to_spec") else corruption),
                "corruption of the first rows": _digest_of(spoiled),
                "layers": hashlib.sha256(repr(network).encode()).hexdigest()[:16],
                "first weights": _digest_of(network.state_dict().values()),
            },
            "data": {"rows": len(rows), "values": _digest(rows), "spoiled values": None if inputs is None else _digest(inputs)},
            "versions": {
                "isthmus": __version__, "torch": str(torch.__version__), "threads": torch.get_num_threads(),
                "processor": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
            },
        }  # fmt: skip
        if self._parameters.resume_from is None or self._folder.is_of(identity):
            self._folder.adopt(identity)
        else:
            self._take_over(Path(self._parameters.resume_from), identity, network)
        return Checkpoints(self._folder, self._parameters.checkpoint_seconds)

    def _take_over(self, start: Path, identity: dict[str, Any], network: torch.nn.Module) -> None:
        """Make the directory one of this fit that begins at the checkpoint ``start``; later calls find it so, and go on."""
        if not start.is_dir():
            raise DataError(
                f"resume_from={str(start)!r} is no checkpoint: name a folder such as RUN_DIR/ckpt/000001234."
            )
        state, arrays = read_checkpoint(start)
        if state.get("finished"):
            raise DataError(
                f"resume_from={str(start)!r} is the end of a finished fit, which leaves nothing to go on from."
            )
        weights = arrays.get("model", {})
        put_weights(copy.deepcopy(network), [torch.from_numpy(weights[name]) for name in sorted(weights)])
        inside = start.resolve().parent == (self._folder.path / "ckpt").resolve()
        self._folder.adopt(identity, changes=inside)
        if inside:
            self._folder.keep_only(int(start.name))
        else:  # there is nothing yet, or it would not have been adopted
            self._folder.save(int(start.name), state, arrays)


@contextlib.contextmanager
def run_of(parameters: AutoencoderParameters) -> Iterator[Run | None]:
    """The fit's hold on its run directory; None where it has none.

    Raises
    ------
    ParameterError : ``fresh`` or ``resume_from`` without ``run_dir``, or both.
    RunBusyError : another process uses it.
    """
    fresh, start = parameters.fresh, parameters.resume_from
    if fresh and start is not None:
        raise ParameterError("fresh starts over and resume_from goes on: give one of them.")
    if parameters.run_dir is None:
        if fresh or start is not None:
            raise ParameterError(
                f"{'fresh' if fresh else 'resume_from'} needs run_dir, the run directory that it is about."
            )
        yield None
        return
    folder = RunFolder(parameters.run_dir, fresh=fresh)
    try:
        yield Run(folder, parameters)
    except BaseException:
        if folder.is_empty() and not fresh:
            folder.discard()
        raise
    finally:
        folder.close()


def _digest(rows: EncodedRows) -> str:
    """SHA-256 of the rows as the network sees them."""
    return _digest_of(rows.slice(start, start + BLOCK) for start in range(0, len(rows), BLOCK))


def _digest_of(tensors: Any) -> str:
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(str((tensor.dtype, tuple(tensor.shape))).encode())
        found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return found.hexdigest()[:16]
