"""Faults of model files as `isthmus.load` meets them: nothing hostile runs, costs or changes anything, and no damage is silent."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import socket
import subprocess
import sys
import threading
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import isthmus
from isthmus.errors import ModelFileError
from isthmus.files import container
from isthmus.files.header import TYPES

CHILD = Path(__file__).with_name("model_loader.py")
ROWS = np.random.default_rng(0).normal(size=(60, 3)).round(2)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are read from /proc")
# Values of the known attacks on loaders of models: modules, functions, code, URLs, paths, templates.
HOSTILE = (
    "os.system", "__import__('os').system('touch CANARY')", "../../CANARY", "/etc/passwd", "file:///etc/passwd",
    "https://example.org/x.py", "builtins:eval", "{{7*7}}", "keras.layers.Lambda", "a\x00b", "\u202e\ud800", "x" * 3_000,
)  # fmt: skip


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A small model and a small detector in files, by name."""
    folder = tmp_path_factory.mktemp("good")
    model = isthmus.Autoencoder(1, hidden_dims=(2,), max_epochs=1, random_state=0)
    model.fit(ROWS).save(folder / "model.safetensors")
    isthmus.AnomalyDetector(model, random_state=0, reference_rows=5).fit(ROWS).save(folder / "detector.safetensors")
    return {name: folder / f"{name}.safetensors" for name in ("model", "detector")}


def content(path):
    """The spec and the arrays of a good file."""
    infos = container.read_header(path).tensors
    return container.read(path, lambda _: {info.name: (TYPES[info.dtype], info.shape) for info in infos})


@pytest.fixture(scope="module")
def child(good):
    """A function that loads a file in a process of its own, which watches itself."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, str(CHILD), *map(str, good.values())],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip

    assert process.stdout.readline() == "ready\n"

    def load(path, room=64):
        process.stdin.write(json.dumps({"path": str(path), "room": room}) + "\n")
        process.stdin.flush()
        watchdog = threading.Timer(60, process.kill)  # a load that hangs ends as an error of the test
        watchdog.start()
        line = process.stdout.readline()
        watchdog.cancel()
        assert line, f"the load of {path} died or hung"
        return json.loads(line)

    yield load
    process.communicate()


def refused(seen, path, *, opened=True):
    """Assert that a load was refused as it must be, with nothing done but the named file opened."""
    assert seen["kind"] == "ModelFileError", seen
    assert "\n" not in seen["text"]
    assert "this machine can hold" not in seen["text"], "it was the limit of memory that refused it"
    untouched(seen, path)
    assert bool(seen["events"]) == opened


def untouched(seen, path):
    """Assert that a load opened the named file at most, and imported nothing."""
    assert seen["modules"] == []
    assert {tuple(event) for event in seen["events"]} <= {("open", str(path)), *(("open", str(n)) for n in range(64))}


def header_file(path, entries, inner='{"format":1,"sha256":"0","spec":{}}'):
    """A file with a crafted header."""
    raw = f'{{"__metadata__":{{"isthmus":{json.dumps(inner)}}},{entries}}}'.encode()
    raw += b" " * (-len(raw) % 8)
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + bytes(8))


class Bomb:
    """What writes a file when it is unpickled."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return open, (self.canary, "w")


@linux_only
def test_good_files_open_themselves_and_nothing_else(child, good):
    """The load of a good file opens that file, imports nothing, starts nothing and connects nowhere."""
    for path in good.values():
        seen = child(path)
        assert seen["kind"] is None
        untouched(seen, path)
        assert [event for event in seen["events"] if event[1] == str(path)] == [["open", str(path)]]


@linux_only
@pytest.mark.parametrize("kind", ["pickle 0", "joblib", "torch", "npy", "zip", "hdf5"])
def test_files_that_could_run_code(child, tmp_path, kind):
    """Pickles in every wrapping, under our suffix, are refused before anything in them is looked at."""
    path, canary = tmp_path / "m.safetensors", str(tmp_path / "CANARY")
    crude = f"cbuiltins\nopen\n(S'{canary}'\nS'w'\ntR.".encode()
    if kind == "torch":
        torch.save(Bomb(canary), path)
    elif kind == "npy":
        with path.open("wb") as handle:
            np.save(handle, np.array([Bomb(canary)], dtype=object))
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model/data.pkl", crude)
    else:
        path.write_bytes(
            {"pickle 0": crude, "joblib": zlib.compress(crude), "hdf5": b"\x89HDF\r\n\x1a\n" + crude}[kind]
        )
    refused(child(path), path)
    assert os.listdir(tmp_path) == [path.name]


LARGE = {
    "200,000 tensors": ",".join(f'"{i:x}":{{"data_offsets":[0,0],"dtype":"U8","shape":[0]}}' for i in range(200_000)),
    "60,000 tensors": ",".join(f'"{i:x}":{{"data_offsets":[0,0],"dtype":"U8","shape":[0]}}' for i in range(60_000)),
    "spaces": '"w":' + " " * 4_000_000 + "{}",
    "nested": '"w":' + "[" * 100_000,
    "nested and closed": '"w":' + "[" * 100_000 + "]" * 100_000,
    "numbers": '"w":[' + "1," * 1_900_000 + "1]",
    "fractions": '"w":[' + "0.5," * 900_000 + "0.5]",
    "words": '"w":[' + '"a",' * 900_000 + '"a"]',
    "lists": '"w":[' + "[]," * 1_200_000 + "[]]",
    "doubled key": '"w":{' + ",".join(f'"{i}":1' for i in range(200_000)) + ',"199999":1}',
}


@linux_only
@pytest.mark.parametrize("entries", LARGE.values(), ids=LARGE)
def test_large_headers(child, tmp_path, entries):
    """A header that is made to waste is refused in less than 64 MiB and a second (a fifth of one where nothing else runs)."""
    path = tmp_path / "m.safetensors"
    header_file(path, entries)
    seen = child(path, room=64)
    refused(seen, path)
    assert seen["seconds"] < 2


@linux_only
@pytest.mark.parametrize("start", [0, 7, 2**31, 2**63, 2**64 - 1], ids=str)
def test_lengths_of_headers(child, tmp_path, start):
    """A length of the header that cannot be is refused at once and without memory."""
    path = tmp_path / "m.safetensors"
    path.write_bytes(start.to_bytes(8, "little") + b'{"' + bytes(100) if start != 7 else b"1234567")
    seen = child(path, room=4)
    refused(seen, path)
    assert seen["seconds"] < 0.5


PIXELS = {"type": "pixels", "channels": "none", "dtype": "uint8", "scale": 1, "low": 0, "high": 1}
GREEDY = [
    (("plan", "hidden_dims"), [10**9]), (("plan", "hidden_dims"), [2**24] * 64), (("plan", "hidden_dims"), [1] * 200_000),
    (("plan", "latent_dim"), 2**24), (("plan", "members"), 256), (("plan", "members"), 10**9),
    (("encoder",), {**PIXELS, "shape": [2**14, 2**14, 1]}),
    (("plan", "layers"), {"encoder": ["dense 16777216"] * 10**5, "decoder": [], "initializer": "normal"}),
]  # fmt: skip


@linux_only
@pytest.mark.parametrize(("keys", "value"), GREEDY, ids=lambda value: str(value)[:30])
def test_specs_that_ask_for_memory(child, good, tmp_path, keys, value):
    """A small file that asks for billions of weights is refused before 16 MiB are taken for any."""
    path = tmp_path / "m.safetensors"
    spec, tensors = content(good["model"])
    edit(spec, keys, value)
    container.write(path, spec, tensors)
    seen = child(path, room=64)
    refused(seen, path)
    assert seen["grown"] < 16


def places(value, keys=()):
    """The keys that lead to every value in a spec."""
    yield keys
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*keys, key))


def edit(spec, keys, value):
    """Put ``value`` at ``keys`` of ``spec``."""
    for key in keys[:-1]:
        spec = spec[key]
    spec[keys[-1]] = value


def at(spec, keys):
    """The value at ``keys``."""
    for key in keys:
        spec = spec[key]
    return spec


@linux_only
@pytest.mark.parametrize("name", ["model", "detector"])
def test_hostile_words_at_every_place(child, good, tmp_path, name):
    """A module, code, a URL or a path at any place is refused or stays a word; an unknown key is always refused."""
    path = tmp_path / "m.safetensors"
    spec, tensors = content(good[name])
    free = ("versions", "notes", "optimizer_options", "names", "options")
    for i, keys in enumerate(list(places(spec))[1:]):
        changed, found = copy.deepcopy(spec), at(spec, keys)
        unknown = isinstance(found, dict) and keys[-1] not in free
        edit(changed, keys, {**found, "module": "os"} if unknown else HOSTILE[i % len(HOSTILE)])
        container.write(path, changed, tensors)
        seen = child(path)
        if unknown:
            refused(seen, path)
        assert seen["kind"] in (None, "ModelFileError"), (keys, seen)
        assert seen["kind"] or any(key in free for key in keys), f"{keys} took {HOSTILE[i % len(HOSTILE)]!r}"
        untouched(seen, path)
    assert os.listdir(tmp_path) == [path.name]


@settings(max_examples=40)
@given(data=st.data())
def test_any_json_at_any_place(good, tmp_path_factory, data):
    """Whatever JSON stands at a place, the file loads or is refused as a model file."""
    path = tmp_path_factory.mktemp("any") / "m.safetensors"
    spec, tensors = content(good["model"])
    spec = copy.deepcopy(spec)
    scalars = (
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text()
    )
    edit(spec, data.draw(st.sampled_from(list(places(spec))[1:])), data.draw(scalars | st.lists(scalars, max_size=3)))
    container.write(path, spec, tensors)
    with contextlib.suppress(ModelFileError):
        isthmus.load(path)


@pytest.mark.parametrize("scale", [0.0, -1.0, -5e-324])
def test_scales_that_are_not_positive(good, tmp_path, scale):
    """A unit of zero or less is refused though the digest is right."""
    spec, tensors = content(good["model"])
    tensors["encoder.numbers.scale"][1] = scale
    container.write(tmp_path / "m.safetensors", spec, tensors)
    with pytest.raises(ModelFileError, match="scale that is not positive"):
        isthmus.load(tmp_path / "m.safetensors")


def test_subnormal_weights(good, tmp_path):
    """Weights below the normal numbers load, and scores stay finite."""
    spec, tensors = content(good["model"])
    for name, array in tensors.items():
        if name.startswith("network.") and name.endswith("weight"):
            array.fill(1e-42)
    container.write(tmp_path / "m.safetensors", spec, tensors)
    assert np.isfinite(isthmus.load(tmp_path / "m.safetensors").score_samples(ROWS)).all()


@linux_only
def test_damage_is_never_silent(good, tmp_path):
    """A file with a bit of any byte changed, or cut, is refused by the reader, whose checks need no model."""
    path, whole = tmp_path / "m.safetensors", good["model"].read_bytes()
    _, tensors = content(good["model"])
    shapes = {name: (array.dtype, array.shape) for name, array in tensors.items()}
    path.write_bytes(whole)
    with path.open("r+b", buffering=0) as handle:
        for i, byte in enumerate(whole):
            os.pwrite(handle.fileno(), bytes([byte ^ 1 << (i % 8)]), i)
            with pytest.raises(ModelFileError, match="Cannot load"):
                container.read(path, lambda _: shapes)
            os.pwrite(handle.fileno(), bytes([byte]), i)
    assert path.read_bytes() == whole
    for length in range(0, len(whole), 16):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFileError, match="Cannot load"):
            container.read(path, lambda _: shapes)


@pytest.mark.parametrize(("name", "step"), [("model", 131), ("detector", 997)])
def test_damage_of_some_bytes(good, tmp_path, name, step):
    """`isthmus.load` refuses them too; `bench/flips.py` tries every byte of both files."""
    path, whole = tmp_path / "m.safetensors", good[name].read_bytes()
    for i in range(0, len(whole), step):
        for changed in (whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :], whole[:i]):
            path.write_bytes(changed)
            with pytest.raises(ModelFileError, match="Cannot load"):
                isthmus.load(path)


@linux_only
@pytest.mark.parametrize("kind", ["link", "pipe", "device", "folder", "socket", "nothing"])
def test_paths_that_are_no_files(child, good, tmp_path, monkeypatch, kind):
    """A link, a pipe, a device, a folder or a socket is refused in less than a second, without being opened."""
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short, and the child is told the whole path
    path = Path("/dev/zero") if kind == "device" else tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        if kind == "link":
            path.symlink_to(good["model"])
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        elif kind == "socket":
            server.bind("s")
        seen = child(path)
    refused(seen, path, opened=False)
    assert seen["seconds"] < 1


def test_files_that_change_while_they_load(good, tmp_path):
    """A file that is replaced, cut or overwritten meanwhile loads as one of the two models, or is refused."""
    path, whole = tmp_path / "m.safetensors", {name: file.read_bytes() for name, file in good.items()}
    path.write_bytes(whole["model"])
    done, kinds = threading.Event(), {isthmus.Autoencoder: 0, isthmus.AnomalyDetector: 0, ModelFileError: 0}
    scores = isthmus.load(path).score_samples(ROWS)

    def disturb():
        while not done.is_set():
            path.write_bytes(whole["detector"])
            (tmp_path / "other").write_bytes(whole["model"])
            os.replace(tmp_path / "other", path)
            os.truncate(path, len(whole["model"]) // 2)
            path.write_bytes(whole["model"])

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        for _ in range(100):
            try:
                loaded = isthmus.load(path)
            except ModelFileError:
                kinds[ModelFileError] += 1
                continue
            kinds[type(loaded)] += 1
            if isinstance(loaded, isthmus.Autoencoder):
                assert np.array_equal(loaded.score_samples(ROWS), scores)
    finally:
        done.set()
        thread.join()
    assert kinds[ModelFileError] > 0, "nothing was disturbed"


def test_files_of_a_later_release(good, tmp_path):
    """A key that only a later release knows is told from damage: the message names both releases."""
    spec, tensors = content(good["model"])
    spec["plan"]["hope"], spec["versions"]["isthmus"] = 1, "99.0.0"
    container.write(tmp_path / "m.safetensors", spec, tensors)
    with pytest.raises(
        ModelFileError, match=r"isthmus 99\.0\.0 wrote it and this is .*unknown key 'hope'.*pip install --upgrade"
    ):
        isthmus.load(tmp_path / "m.safetensors")
    spec["versions"]["isthmus"] = "0.0.1"
    container.write(tmp_path / "m.safetensors", spec, tensors)
    with pytest.raises(ModelFileError, match=r"m\.safetensors': spec\.plan has an unknown key 'hope'"):
        isthmus.load(tmp_path / "m.safetensors")
