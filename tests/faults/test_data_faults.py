"""Hostile and broken data files: one clear error or a defined result, in bounded memory, and no code that they bring."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import re
import struct
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from isthmus.data import paths
from isthmus.data.readers import read
from isthmus.errors import DataError, DataTypeError, UserError

TABLE = pa.table({"a": [1.5, 2.5, 3.5] * 50, "b": ["x", "y", "z"] * 50})
LONG = 2**18  # characters of a text that a dictionary repeats
LIMIT = 3 * 2**30  # bytes of address space, more than half of it taken by libraries; what is hostile asks for more

# Reads each file in a fork of its own; prints how it ended, what was said and how many bytes it took on top.
CHILD = """
import json, os, resource, sys, warnings
warnings.simplefilter("ignore")
from isthmus.data import paths
from isthmus.data.readers import read
from isthmus.errors import UserError
paths.FREE_BYTES = 2**28  # less than it is, for speed
import pyarrow.parquet, PIL.PngImagePlugin, PIL.TiffImagePlugin, PIL.WebPImagePlugin
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
def used(what):
    return int(open("/proc/self/status").read().split(what + ":")[1].split()[0]) * 1024
for path in sys.argv[2:]:
    out, into = os.pipe()
    if not (child := os.fork()):
        before = used("VmRSS")
        try:
            said = f"read {len(read(path))}"
        except UserError as error:
            said = f"{type(error).__name__}: {error}"
        os.write(into, json.dumps([said[:2000], used("VmHWM") - before]).encode())
        os._exit(0)
    os.close(into)
    said = os.read(out, 8000).decode() or '["", 0]'
    print(json.dumps([os.path.basename(path), os.waitpid(child, 0)[1], *json.loads(said)]), flush=True)
"""


def saved(save, *values, **options):
    """What a library writes, as bytes."""
    file = io.BytesIO()
    save(*values, file, **options)
    return file.getvalue()


def parquet(table, **options):
    """A Parquet file."""
    return saved(pq.write_table, table, **options)


def arrow(table, form=pa.ipc.new_file, **options):
    """A file of Arrow IPC."""
    file = io.BytesIO()
    with form(file, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return file.getvalue()


def replaced(content, old, new):
    """Content with bytes changed that must be there."""
    assert old in content
    return content.replace(old, new)


def npy(header, version=1):
    """An NPY file of 64 bytes of cells below any header."""
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode() + bytes(64)


def npz(claimed):
    """An NPZ file whose directory claims a size for its one array."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", saved(lambda array, into: np.save(into, array), np.zeros(10**5)))
        archive.filelist[0].file_size = claimed
    return file.getvalue()


def png(width, height):
    """A PNG file that claims a size and holds almost nothing."""
    chunk = lambda name, body: struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))  # noqa: E731
    head = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b"")
    )


def webp(width, height):
    """An animated WebP file that claims a canvas."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + sides


def tiff(width, height):
    """A TIFF file that claims a size and holds one strip of 48 bytes."""
    tags = {256: width, 257: height, 258: 32, 259: 1, 262: 1, 273: 134, 277: 1, 278: 3, 279: 48, 339: 3}
    entries = b"".join(struct.pack("<2H2I", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + bytes(48)


def views(count):
    """A column of text views that all show one long text."""
    one = struct.pack("<i4s2i", LONG, b"zzzz", 0, 0)
    return pa.Array.from_buffers(pa.string_view(), count, [None, pa.py_buffer(one * count), pa.py_buffer(b"z" * LONG)])


def repeated(count):
    """A column of a dictionary with one long text."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array(["z" * LONG]))


def hostile():
    """Files by name, each with what is said about it."""
    zeros = pa.table({"a": np.zeros(10**5, np.int64)})
    packed, texts = arrow(zeros, compression="zstd"), arrow(TABLE)
    offsets = np.arange(151, dtype=np.int32)
    gigabytes = gzip.compress(bytes(2**24)) * 80
    return {
        "dictionary.parquet": (parquet(pa.table({"a": repeated(40_000)})), "would unpack"),
        "text.parquet": (parquet(pa.table({"a": repeated(40_000)}), store_schema=False), "would unpack"),
        "dictionary.arrow": (arrow(pa.table({"a": repeated(40_000)})), "would unpack"),
        "views.arrow": (arrow(pa.table({"a": views(40_000)})), "would unpack"),
        "nulls.arrow": (arrow(pa.table({"a": pa.nulls(2**28)})), "would unpack"),
        "stream.arrow": (arrow(pa.table({"a": pa.nulls(2**28)}), pa.ipc.new_stream), "would unpack"),
        "buffer.arrow": (replaced(packed, struct.pack("<q", 800_000), struct.pack("<q", 10**11)), "would unpack"),
        "offsets.arrow": (replaced(texts, offsets[90:].tobytes(), (offsets[90:] * 10**6).tobytes()), "cannot be read"),
        "backwards.arrow": (replaced(texts, offsets[90:].tobytes(), offsets[90:][::-1].tobytes()), "cannot be read"),
        "gigabytes.csv.gz": (gigabytes, "over 200 times its size"),
        "nested.csv.gz": (gzip.compress(gigabytes[:70_000]), "is not a text file|is not UTF-8|cannot be read"),
        "bomb.npz": (npz(10**11), "would unpack"),
        "large.npy": (npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({2**34},), }}\n"), "cut off"),
        "larger.npy": (npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({2**64}, 0), }}\n"), "a.*be read|allowed"),
        "negative.npy": (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -8), }\n"), "is cut off"),
        "objects.npy": (npy("{'descr': '|O', 'fortran_order': False, 'shape': (8,), }\n"), "holds cells of type object"),
        "header.npy": (b"\x93NUMPY\2\0\xff\xff\xff\xff", "header has 4,294,967,295 bytes, at most 10,000"),
        "syntax.npy": (npy("{'descr': '02f8', 'fortran_order': False, 'shape': (8,), }\n"), "NumPy does not write"),
        "deep.npy": (npy("(" * 5000 + "\n"), "NumPy does not write"),
        "axes.idx": (bytes([0, 0, 8, 255]) + bytes(4 * 255), "has 255 axes, at most 32"),
        "sides.idx": (bytes([0, 0, 8, 9]) + b"\xff" * 32 + bytes(4), "array is too big|cannot be read"),
        "wide.png": (png(13_000, 13_000), "169|13000 x 13000 pixels, more than"),
        "flat.png": (png(1, 10**9), "more than the 67,108,864"),
        "few-bytes.tiff": (tiff(4, 12_320_771), "pixels, over 10,000 in a byte"),
        "canvas.webp": (webp(2**14, 2**14), "16384 x 16384 pixels, more than"),
        "empty.png": (png(0, 0), "0 x 0 pixels|not a picture"),
        "gif.png": (b"GIF89a" + bytes(40), "readable are PNG, JPEG, WebP, BMP and TIFF"),
        "eps.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99999 99999\n", "readable are PNG"),
        "fits.tif": (b"SIMPLE  =                    T" + b" " * 2850, "readable are PNG"),
        "line.csv": (b"a,b\n1," + b"x" * (5 * 2**22) + b"\n", "line 2 has 20,971,523 bytes, more than the 4,194,304 allowed"),
    }  # fmt: skip


HOSTILE = hostile()


@pytest.fixture(scope="module")
def ends(tmp_path_factory):
    """How the reading of each hostile file ended: status, what was said, bytes taken."""
    folder = tmp_path_factory.mktemp("hostile")
    for name, (content, _) in HOSTILE.items():
        (folder / name).write_bytes(content)
    order = [sys.executable, "-c", CHILD, str(LIMIT), *(str(folder / name) for name in HOSTILE)]
    lines = subprocess.run(order, check=True, capture_output=True, text=True, timeout=120).stdout.splitlines()
    return {name: rest for name, *rest in map(json.loads, lines)}


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory used from /proc")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_little_memory(name, ends):
    """A file made to fill memory or to lead Arrow astray is one error in one line, and takes less than 64 MB."""
    status, said, taken = ends[name]
    assert status == 0
    assert re.search(HOSTILE[name][1], said), said
    assert "\n" not in said
    assert said.startswith(("DataError", "DataTypeError"))
    assert taken < (64 if name != "line.csv" else 256) * 10**6


def test_parquet_is_read_within_a_bound(tmp_path, monkeypatch):
    """Zeros that pack to a thousandth are read; more rows and columns than likely are refused before that."""
    (tmp_path / "a.parquet").write_bytes(parquet(pa.table({"a": np.zeros(10**6)}), compression="zstd"))
    assert len(read(tmp_path / "a.parquet")) == 10**6
    monkeypatch.setattr(paths, "FREE_BYTES", 10**6)
    with pytest.raises(DataError, match=r"a\.parquet would unpack from .* to 8,000,"):
        read(tmp_path / "a.parquet")


@pytest.mark.parametrize("checked", [True, False])
def test_a_bit_flipped_in_a_page(tmp_path, checked):
    """With checksums a changed page is an error; without them it may only change cells."""
    content = parquet(
        pa.table({"a": np.arange(1.0, 999)}), write_page_checksum=checked, compression="none", use_dictionary=False
    )
    (tmp_path / "a.parquet").write_bytes(replaced(content, struct.pack("<d", 500), struct.pack("<d", 501)))
    if checked:
        with pytest.raises(DataError, match=r"a\.parquet cannot be read: .*(CRC|checksum)"):
            read(tmp_path / "a.parquet")
    else:
        assert len(read(tmp_path / "a.parquet")) == 998


@pytest.mark.parametrize("name", ["a.parquet", "a.feather", "stream.arrow", "a.npy", "a.png"])
def test_files_cut_off_anywhere(name, tmp_path):
    """A file that ends too early, or whose start or bytes are others, is a `DataError` or is read; nothing else comes out."""
    content = {
        "a.parquet": parquet(TABLE), "a.feather": arrow(TABLE), "stream.arrow": arrow(TABLE, pa.ipc.new_stream),
        "a.npy": saved(lambda array, into: np.save(into, array), np.zeros(99)), "a.png": png(40, 40),
    }[name]  # fmt: skip
    chance = np.random.default_rng(0)
    for place in chance.integers(0, len(content), 40):
        damaged = bytearray(content)
        damaged[place] ^= 1 << chance.integers(8)
        for bad in (content[:place], bytes(damaged), b"PAR1" + content[4:]):
            (tmp_path / name).write_bytes(bad)
            with contextlib.suppress(UserError):
                assert len(read(tmp_path / name)) >= 1


class Canary(pa.ExtensionType):
    """A type that notices when Arrow asks it to build itself from what a file says."""

    built = 0

    def __init__(self):
        super().__init__(pa.float64(), "test.canary")

    def __arrow_ext_serialize__(self):
        return b"anything"

    @classmethod
    def __arrow_ext_deserialize__(cls, storage, serialized):
        cls.built += 1
        return cls()


@pytest.fixture
def canary():
    """The registered type."""
    pa.register_extension_type(Canary())
    yield Canary
    pa.unregister_extension_type("test.canary")


@pytest.mark.parametrize("extension", ["test.canary", "ray.data.arrow_tensor", "arrow.py_extension_type"])
@pytest.mark.parametrize("form", ["parquet", "file", "stream"])
def test_extension_types_run_no_code(form, extension, canary, tmp_path):
    """A column that says it is of an extension type is refused before the type can see what the file says of it."""
    metadata = {"ARROW:extension:name": extension, "ARROW:extension:metadata": b"\x80\x04code"}
    table = pa.table({"a": [1.5]}, schema=pa.schema([pa.field("a", pa.float64(), metadata=metadata)]))
    write = {"parquet": parquet, "file": arrow, "stream": lambda t: arrow(t, pa.ipc.new_stream)}[form]
    (tmp_path / f"a.{'parquet' if form == 'parquet' else 'arrow'}").write_bytes(write(table))
    before = canary.built
    with pytest.raises(DataTypeError, match="has a column of an extension type, which cannot be used"):
        read(next(tmp_path.iterdir()))
    assert canary.built == before


def test_texts_that_a_dictionary_repeats_are_read(tmp_path, monkeypatch):
    """Text columns that are measured before they are written out come back as they are, gaps and types too."""
    monkeypatch.setattr("isthmus.data.arrow_files._MEASURED", 0)
    cells = ["x", None, "y" * 99] * 50
    table = pa.table({"a.b": cells, "v": pa.array(cells, pa.string_view()), "l": pa.array(cells, pa.large_string())})
    (tmp_path / "a.parquet").write_bytes(parquet(table))
    assert read(tmp_path / "a.parquet").columns.equals(table)
