"""A process with isthmus loaded that forks a child for each fit, so that a kill costs milliseconds instead of an import.

Reads one JSON object a line: ``run_dir``, ``target``, and what is to go wrong: ``at`` (the number of the call of the file layer),
``when`` ("before", "after", "middle" of a write) and ``do`` ("kill", or a number for `errno`), or ``signal`` with ``step`` or
``validation``, or ``alarm``: seconds until the system kills it, wherever it is. Answers one: how the child ended, which calls it
made, and the model's SHA-256.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import sys
import warnings
from pathlib import Path

import numpy as np

import isthmus
from isthmus import atomic
from isthmus.train import loop
from isthmus.train.callbacks import Callback

CALLS = {os: ("fsync", "rename", "replace", "unlink", "mkdir"), shutil: ("rmtree",)}


class FileLayer:
    """Counts the calls that change the disk, and lets one of them go wrong."""

    def __init__(self, order):
        self.order, self.made, self.busy = order, [], False
        for module, names in CALLS.items():
            for name in names:
                setattr(module, name, self.watched(name, getattr(module, name)))
        atomic.open = self.open

    def watched(self, name, call):
        """The call, noted; those that it makes itself are part of it."""

        def run(*args, **options):
            if self.busy:
                return call(*args, **options)
            self.busy = True
            try:
                self.point(name, "before")
                result = call(*args, **options)
                self.point(name, "after")
                return result
            finally:
                self.busy = False

        return run

    def open(self, path, mode):
        """As `open`; writes are noted."""
        handle = open(path, mode)  # noqa: SIM115  # whoever asked for it closes it
        write = handle.write

        def noted(data):
            self.point("write", "before")
            if self.is_now("middle"):
                write(bytes(data)[: len(bytes(data)) // 2])
                handle.flush()
                self.fail()
            done = write(data)
            self.point("write", "after")
            return done

        class Watched:
            def __getattr__(self, name):
                return noted if name == "write" else getattr(handle, name)

            def __enter__(self):
                return self

            def __exit__(self, *error):
                handle.close()

        return Watched()

    def point(self, name, when):
        """One side of a call."""
        if when == "before":
            self.made.append(name)
        if self.is_now(when):
            self.fail()

    def is_now(self, when):
        """Whether it was this call's turn to go wrong, on this side of it."""
        return self.order.get("at") == len(self.made) and self.order.get("when") == when

    def fail(self):
        """Do what was asked for."""
        if self.order["do"] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(self.order["do"], os.strerror(self.order["do"]))


class Signals(Callback):
    """Sends this process a signal after a step."""

    def __init__(self, number, step, times):
        self.number, self.step, self.times = number, step, times

    def on_step_end(self, state):
        if state.step == self.step:
            for _ in range(self.times):
                os.kill(os.getpid(), self.number)


def rows():
    """A bent sheet in 5 columns."""
    t = np.random.default_rng(0).uniform(-1, 1, (64, 2))
    return np.stack([t[:, 0], t[:, 1], t[:, 0] * t[:, 1], t[:, 0] ** 2, np.sin(3 * t[:, 1])], axis=1).astype(np.float32)


def estimator(order):
    """A fit of 8 steps, each with a checkpoint."""
    callbacks = (Signals(order["signal"], order["step"], order.get("times", 1)),) if "step" in order else ()
    return isthmus.Autoencoder(
        2, hidden_dims=(8,), max_epochs=2, batch_size=15, random_state=0, progress=False, run_dir=order["run_dir"],
        checkpoint_seconds=order.get("seconds", 0), callbacks=callbacks, **order.get("changes", {}),
    )  # fmt: skip


def fit(order, answer):
    """The child's work; its answer goes down a pipe."""
    layer = FileLayer(order)
    if "alarm" in order:  # nobody handles it, so it kills
        signal.setitimer(signal.ITIMER_REAL, order["alarm"])
    if order.get("validation"):
        measure, before = loop._validate, []

        def signalled(job, validation):
            before.append(1)
            if len(before) == order["validation"]:
                os.kill(os.getpid(), order["signal"])
            return measure(job, validation)

        loop._validate = signalled
    found = {}
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            model = estimator(order).fit(rows())
            found["resumed_from"] = model.resumed_from_step_
            model.save(order["target"])
            found["sha256"] = hashlib.sha256(Path(order["target"]).read_bytes()).hexdigest()
    except isthmus.errors.UserError as error:
        found["error"], found["words"] = type(error).__name__, str(error)
    except KeyboardInterrupt:
        found["error"] = "KeyboardInterrupt"
    found["warnings"] = [str(w.message) for w in said]
    found["made"] = layer.made
    os.write(answer, json.dumps(found).encode())


def main():
    """Serve until the input ends."""
    for line in sys.stdin:
        order = json.loads(line)
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.close(read)
            code = 70
            with contextlib.suppress(SystemExit):
                fit(order, write)
                code = 0
            os._exit(code)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            answer = pipe.read()
        _, status = os.waitpid(child, 0)
        ended = os.waitstatus_to_exitcode(status)
        print(json.dumps({"ended": ended, **(json.loads(answer) if answer else {})}), flush=True)


if __name__ == "__main__":
    main()
