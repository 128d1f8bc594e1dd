"""Writes the seed corpus, ``fuzz/corpus``: a few tiny files per target, all made here.

Run ``python fuzz/seeds.py`` after a change of a format; the files are committed.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from isthmus import Autoencoder
from isthmus.files import container, strict_json
from isthmus.models import model_state

CORPUS = Path(__file__).parent / "corpus"


def headers() -> list[bytes]:
    """Model files without arrays, with one and with several."""
    arrays: list[dict[str, Any]] = [
        {},
        {"a": np.zeros((2, 3))},
        {"a": np.zeros(2), "b.c": np.ones((1, 2), np.float32), "d": np.array([True])},
    ]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for tensors in arrays:
            container.write(file := Path(folder, "model"), {"name": "x", "back\\slash": [1, 0.5, None]}, tensors)
            found.append(file.read_bytes())
    return found


def configs() -> list[bytes]:
    """What model files of a table and of an array say of themselves, and JSON of every kind of value."""
    X = np.random.default_rng(0).normal(size=(20, 3))
    spec = model_state.to_state(Autoencoder(latent_dim=1, hidden_dims=(2,), max_epochs=1, random_state=0).fit(X))[0]
    values = {"text": "é\\\n", "numbers": [0, -1, 2**64 - 1, 1e-300], "rest": [None, True, {"deep": [[[]]]}]}
    return [strict_json.dumps(spec).encode(), strict_json.dumps(values).encode(), json.dumps(values, indent=1).encode()]


def texts() -> list[bytes]:
    """Text files with every delimiter; the first byte chooses header and delimiter."""
    bodies = [
        "a,b\n1,x\n2,y\n", "a;b\n1,5;x\n2,5;x\n", "1 2 3\n4 5 6\n", 'a\tb\n"x\ty"\t1\n"q""q"\t2\n',
        "day,on\n2024-05-01,yes\n2024-05-02T10:00:00Z,no\n", "a\nNA\n?\n1e999\n", "code,big\n007,9223372036854775808\n",
    ]  # fmt: skip
    contents = [body.encode() for body in bodies]
    contents += ["\ufeffa,b\r\n1,2\r\n".encode(), "a,b\n1,2\n".encode("utf-16")]
    return [bytes([place % 15]) + content for place, content in enumerate(contents)] + [b"\0" + contents[0]]


def arrays() -> list[bytes]:
    """NPY files of several types and orders, and NPZ files."""
    values = [np.arange(6.0).reshape(2, 3), np.asfortranarray(np.ones((2, 2), ">i2")), np.array([True]), np.array(1)]
    return [_saved(np.save, value) for value in values] + [
        _saved(np.savez, values[0]),
        _saved(np.savez_compressed, values[0]),
    ]


def idx() -> list[bytes]:
    """IDX files of several types, one packed."""
    pictures = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2, 2, 3) + bytes(range(12))
    floats = bytes([0, 0, 13, 1]) + struct.pack(">I2f", 2, 0.5, 1.5)
    return [pictures, floats, bytes([0, 0, 11, 2]) + struct.pack(">2I", 0, 3), gzip.compress(pictures, mtime=0)]


def images() -> list[bytes]:
    """Small pictures of every format that is read, in several modes."""
    shades = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    colours = np.stack([shades, shades[::-1], shades.T.reshape(3, 4)], axis=2)
    grey, colour = Image.fromarray(shades), Image.fromarray(colours)
    wide, lying = Image.fromarray(shades.astype(np.uint16) * 257), Image.Exif()
    lying[0x0112] = 6
    modes = [(grey, "PNG"), (grey.convert("1"), "PNG"), (wide, "PNG"), (colour.convert("P"), "PNG"), (colour, "BMP"),
             (colour.convert("RGBA"), "PNG"), (colour.convert("CMYK"), "JPEG"), (grey, "JPEG"), (colour, "WEBP"),
             (grey.convert("F"), "TIFF"), (wide, "TIFF"), (colour, "TIFF")]  # fmt: skip
    found = [_saved(lambda file, picture, form=form: picture.save(file, form), picture) for picture, form in modes]
    found.append(_saved(lambda file, picture: picture.save(file, "TIFF", compression="tiff_lzw"), colour))
    found.append(_saved(lambda file, picture: picture.save(file, "JPEG", exif=lying), colour))
    found.append(
        _saved(lambda file, picture: picture.save(file, "WEBP", save_all=True, append_images=[colour]), colour)
    )
    return found


def _saved(save: Any, value: Any) -> bytes:
    file = io.BytesIO()
    save(file, value)
    return file.getvalue()


def main() -> None:
    """Write every corpus anew."""
    shutil.rmtree(CORPUS, ignore_errors=True)
    made = {"header": headers, "config": configs, "csv": texts, "npy": arrays, "idx": idx, "images": images}
    for name, make in made.items():
        folder = CORPUS / name
        folder.mkdir(parents=True)
        for place, content in enumerate(make()):
            (folder / f"seed-{place:02}").write_bytes(content)


if __name__ == "__main__":
    main()
