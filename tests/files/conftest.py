"""What the tests of model files share: a path, a good file at it, and a way to craft a bad one."""

from __future__ import annotations

import json

import numpy as np
import pytest

from isthmus.files import container

SPEC = {"latent_dim": 2, "columns": [{"name": "größe\n\x00\u202e", "scale": 0.1}]}
GOOD_ENTRY = '"w":{"data_offsets":[0,8],"dtype":"F32","shape":[2]}'


@pytest.fixture
def path(tmp_path):
    """Where a test keeps its file."""
    return tmp_path / "m.safetensors"


@pytest.fixture
def spec():
    """A spec with a name that holds awkward characters."""
    return SPEC


@pytest.fixture
def tensors():
    """Arrays of every type and of several shapes."""
    return {
        "w.0": np.arange(6, dtype=np.float32).reshape(3, 2),
        "b": np.array([1.5, -0.0]),
        "count": np.array(3, dtype=np.int64),
        "flags": np.array([True, False, True]),
        "none": np.zeros((0, 4), dtype=np.int32),
        "bytes": np.arange(3, dtype=np.uint8),
    }


@pytest.fixture
def expected(tensors):
    """What a reader of a file of ``tensors`` expects."""
    return lambda spec: {name: (array.dtype, array.shape) for name, array in tensors.items()}


@pytest.fixture
def small():
    """What a reader of a crafted file expects: one array of two float32."""
    return lambda spec: {"w": (np.float32, (2,))}


@pytest.fixture
def written(path, spec, tensors):
    """The bytes of a good file, which lies at ``path``."""
    container.write(path, spec, tensors)
    return path.read_bytes()


@pytest.fixture
def craft(path):
    """A function that writes a file whose header is what the test says, and good where it says nothing."""

    def write(*, entries=GOOD_ENTRY, inner=None, metadata=None):
        inner = {"format": 1, "sha256": "0" * 64, "spec": {}} if inner is None else inner
        metadata = metadata or json.dumps({"isthmus": inner if isinstance(inner, str) else json.dumps(inner)})
        raw = f'{{"__metadata__":{metadata},{entries}}}'.encode("utf-8", "surrogatepass")
        raw += b" " * (-len(raw) % 8)
        path.write_bytes(len(raw).to_bytes(8, "little") + raw + bytes(8))

    return write
