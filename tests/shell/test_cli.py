from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from isthmus.errors import InternalError, IsthmusWarning
from isthmus.shell import cli

SRC = Path(__file__).resolve().parents[2] / "src"
HEAVY = ("torch", "sklearn", "numpy", "scipy", "pyarrow", "pandas", "matplotlib", "PIL", "rich")


def python(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a fresh Python that finds our source."""
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, env=environment, check=False)


def failing(monkeypatch, error):
    """Make ``isthmus inspect x`` end in an error."""

    def fail(path):
        raise error

    monkeypatch.setattr("isthmus.files.container.read_header", fail)


def test_the_command_answers():
    """``python -m isthmus --help`` names every verb."""
    done = python("-m", "isthmus", "--help")
    assert done.returncode == 0
    assert all(f"\n  {verb} " in done.stdout for verb in cli.VERBS)


def test_help_loads_nothing_heavy():
    """Help of the program and of every verb needs no package that takes time to load."""
    code = (
        "import sys; from isthmus.shell import cli; "
        "codes = [cli.run(words) for words in [['--help'], *([verb, '--help'] for verb in cli.VERBS)]]; "
        f"print([n for n in {HEAVY!r} if n in sys.modules], set(codes), file=sys.stderr)"
    )
    assert python("-c", code).stderr.strip() == "[] {0}"


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help(run, words):
    """Without a verb there is help, and no error."""
    result = run(*words)
    assert (result.code, result.err) == (0, "")
    assert "isthmus demo" in result.out


def test_version(run):
    """``--version`` names the version."""
    from isthmus import __version__

    assert run("--version").out == f"isthmus, version {__version__}\n"


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_fits_its_line_of_help(run, verb):
    """The list of verbs shows each summary whole."""
    listed = run("--help").out.split("Commands:")[1]
    assert f"\n  {verb} " in listed
    assert "..." not in listed
    assert run(verb, "--help").code == 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["fitt"], "There is no command 'fitt'. Did you mean 'fit'?"),
        (["xyz"], "There is no command 'xyz'. There are: demo, recipe, fit"),
        (["fit"], "Missing argument 'DATA...'. See: isthmus fit --help"),
        (["fit", "a.csv"], "Missing option '-o'"),
        (["fit", "a.csv", "--latent", "3"], "No such option '--latent'"),
        (["fit", "a.csv", "-o", "m", "--on-bad-image", "no"], "'no' is not one of 'error', 'skip'"),
        (["inspect"], "Missing argument 'FILE'"),
    ],
)
def test_wrong_usage_is_one_line(run, words, text):
    """A mistyped command is one line with what was expected, and exit code 2."""
    assert text in run(*words).error


@pytest.mark.parametrize("error", [RuntimeError("deep inside"), InternalError("deep inside")])
def test_our_own_bug_is_said_to_be_one(run, monkeypatch, error):
    """An error that nobody foresaw shows where it arose, asks for a report, and ends with 1."""
    failing(monkeypatch, error)
    result = run("inspect", "x")
    assert result.code == 1
    assert "Traceback" in result.err
    assert "This is a bug in isthmus" in result.err.splitlines()[-1]


def test_not_fitted_is_the_users_error(run, monkeypatch):
    """scikit-learn's error for models that were not fitted is one line."""
    from sklearn.exceptions import NotFittedError

    failing(monkeypatch, NotFittedError("This Autoencoder instance is not fitted yet."))
    assert "is not fitted yet" in run("inspect", "x").error


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: ...")])
def test_too_little_memory_is_one_line(run, monkeypatch, error):
    """Data and networks that do not fit into memory are no bug."""
    failing(monkeypatch, error)
    assert "not enough memory" in run("inspect", "x").error


def test_notes_are_short_and_come_once(run, monkeypatch):
    """Our warnings are shown once, without file and line; those of other packages are not."""

    def warn(path):
        for text in ("mind this", "mind this"):
            warnings.warn(text, IsthmusWarning, stacklevel=1)
        warnings.warn("for programmers", FutureWarning, stacklevel=1)
        raise MemoryError

    monkeypatch.setattr("isthmus.files.container.read_header", warn)
    assert run("inspect", "x").err.splitlines()[:-1] == ["isthmus: note: mind this"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_writing_leaves_nothing(run, monkeypatch, model, table, tmp_path, listing, number, code):
    """Stopped in the middle of a write, the old file is as it was and the temporary one is gone."""
    target = tmp_path / "latents.csv"
    target.write_text("old", encoding="utf-8")
    monkeypatch.setattr(os, "fsync", lambda descriptor: signal.raise_signal(number))
    result = run("encode", model, table, "-o", target)
    assert result.code == code
    assert result.err.splitlines()[-1].startswith("isthmus: stopped")
    assert listing(tmp_path) == {"latents.csv": b"old"}


def test_ctrl_c_in_training_saves_the_state_alone(run, monkeypatch, table, tmp_path):
    """An interrupted fit is not saved as if it were done, takes its progress bar away, and the same command goes on."""
    from isthmus.train.callbacks import ProgressBar

    closed = []
    with monkeypatch.context() as patched:
        patched.setattr(ProgressBar, "on_step_end", lambda self, state: signal.raise_signal(signal.SIGINT))
        patched.setattr(ProgressBar, "on_fit_end", lambda self, state: closed.append(self))
        stopped = run("fit", table, "-o", tmp_path / "m.safetensors")
    assert stopped.code == 130
    assert "goes on from there" in stopped.err
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors.run"]
    assert len(closed) == 1  # so the terminal has its cursor back
    again = run("fit", table, "-o", tmp_path / "m.safetensors", "--json")
    assert json.loads(again.out)["resumed_from_step"] == 1


def test_signal_handlers_are_put_back(run):
    """Running the command line inside another program leaves its signal handlers alone."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    run("--version")
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no broken pipes of this kind")
def test_a_closed_pipe_is_silent():
    """When nobody reads the output any more, the command ends without a word."""
    read, write = os.pipe()
    os.close(read)
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    words = [sys.executable, "-m", "isthmus", "fit", "--help"]
    done = subprocess.run(words, stdout=write, stderr=subprocess.PIPE, env=environment, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device here that is always full")
@pytest.mark.parametrize("words", [("fit", "--help"), ("fit",), ("datasets", "list")])
def test_a_full_disk_is_one_line(words):
    """Output that cannot be written is one line on standard error and no bug, whatever prints it."""
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "isthmus", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment,
            check=False,
            text=True,
        )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "bug" not in done.stderr


def test_a_standard_output_that_is_closed(model):
    """A command that was started without a standard output does its work."""
    words = [sys.executable, "-m", "isthmus", "inspect", str(model)]
    closing = "import os, sys; os.close(1); os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", closing, *words],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SRC)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_path_that_is_too_long(run, tmp_path):
    """What the system refuses is one line with the path."""
    assert "File name too long" in run("fit", "a" * 300, "-o", str(tmp_path / "m.safetensors")).error
