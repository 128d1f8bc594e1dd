"""The public data sets that isthmus knows: sizes, files with their checksums, mirrors and sources.

Where the checksums come from. MNIST, Fashion-MNIST, ecg.csv: computed from files whose published MD5 (of ecg.csv: whose
published SHA-256) is right; the GitHub mirrors, pinned to a commit, hold the same files by their git blob ids. The
CIFAR-10 archive: TensorFlow Datasets; its files: torchvision for Ruby, and the five training files, put together again
from another public copy of the pictures, had them. The Olivetti faces and the partial copy of CIFAR-10: nothing
official is published; they were computed from the public files named here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType

from isthmus.data import archives, contents
from isthmus.data.dataset import Copy, Dataset, File
from isthmus.data.download import Download

_CIFAR_BYTES = 10_000 * 3_073  # of one file of the binary form


def _in_turn(folder: str, names: Sequence[str], sums: Sequence[str], parts: Sequence[str]) -> tuple[File, ...]:
    """Make the files of one folder."""
    return tuple(File(f"{folder}/{n}", s, p) for n, s, p in zip(names, sums, parts, strict=True))


def _as_they_are(
    files: Sequence[File], mirrors: Sequence[str], packed: Sequence[tuple[int, str]]
) -> tuple[Download, ...]:
    """Make the downloads of gzip files that mirrors have under the names that they have here."""
    names = [f"{file.place}.gz" for file in files]
    urls = [tuple(mirror + Path(name).name for mirror in mirrors) for name in names]
    return tuple(Download(n, size, s, u) for n, u, (size, s) in zip(names, urls, packed, strict=True))


_IDX_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_IDX_PARTS = ("train", "train", "test", "test")

_MNIST = _in_turn(
    "mnist",
    _IDX_NAMES,
    (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    _IDX_PARTS,
)
_MNIST_DOWNLOADS = _as_they_are(
    _MNIST,
    (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/ae608a02b796c9ee908c082585a5f006fe05258e/",
    ),
    (
        (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ),
)
_FASHION = _in_turn(
    "fashion-mnist",
    _IDX_NAMES,
    (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    _IDX_PARTS,
)
_FASHION_DOWNLOADS = _as_they_are(
    _FASHION,
    (
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/"
        "b2617bb6d3ffa2e429640350f613e3291e10b141/data/fashion/",
    ),
    (
        (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    ),
)

_ECG = File("ecg5000/ecg.csv", "72ce7b040ca0c6ed36c3368e570c6ac4ddf20100476e47373c63b2395e012df1")
_ECG_DOWNLOAD = Download(
    _ECG.place,
    7_877_383,
    _ECG.sha256,
    (
        "https://storage.googleapis.com/download.tensorflow.org/data/ecg.csv",
        "https://raw.githubusercontent.com/cerenyildiiz/ecg5000-anomaly-detection-time-series/"
        "cd74098cc63bec8b7cb1d389f1b06172ad26eac7/data/ecg.csv",
    ),
)
_OLIVETTI = _in_turn(
    "olivetti",
    ("olivetti-images-idx3-ubyte", "olivetti-labels-idx1-ubyte"),
    (
        "139db5ade073e030ff543fe74df478b29cff6e9da9a50bf1e0c9a29f0d2f114d",
        "87b0dbf71b8091a9cef50af2767e98a87f3b0bde56f1eda7bb591d156e542390",
    ),
    ("", ""),
)
_OLIVETTI_DOWNLOAD = Download(
    "olivetti/olivettifaces.mat",
    1_432_511,
    "b1988d02c72fe5b8ee82b5ef3bb7982eafc74f1e1ff0ae0ade35061ad0af534d",
    (
        "https://raw.githubusercontent.com/sjgershm/DBM/a30d9abb523aab874a299b8b1aa21e7df2023f60/olivettifaces.mat",
        "https://cdn.jsdelivr.net/gh/sjgershm/DBM@a30d9abb523aab874a299b8b1aa21e7df2023f60/olivettifaces.mat",
    ),
    archives.take_faces,
)
_CIFAR = _in_turn(
    "cifar10/cifar-10-batches-bin",
    (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"),
    (
        "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
        "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
        "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
        "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
        "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
        "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
    ),
    ("train",) * 5 + ("test",),
)
_CIFAR_DOWNLOAD = Download(
    "cifar10/cifar-10-binary.tar.gz",
    170_052_171,
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    (
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets/cifar-10-binary.tar.gz",
        "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/cifar-10-binary.tar.gz",
    ),
    partial(archives.take_members, below="cifar10/", size=_CIFAR_BYTES),
)
_SHEETS = (0, 1, 2, 3, 50)  # of a public copy in 51 PNG sheets; sheet 50 is the first of the test pictures
_CIFAR_SHEETS = _in_turn(
    "cifar10",
    [f"cifar10_batch_{sheet}{end}" for sheet in _SHEETS for end in (".png", "_labels.txt")],
    (
        "0614720d69293a033786d5fe2924c4e9a9b48874f19ca4627c4662a864ee9f2d",
        "9db616cd8d75fb29f7a4c7b7aff402b2da0870133e5f9676ed3b135136bfe7a3",
        "2927e26ea68602e34a7424826b76b7336ce36b8f6bcc2e9fce0c05568ff6b4c1",
        "9b1374d4ea448a76d04e00d497a9e0156cbbdeff9d6d34d816ed73343bbc17ff",
        "0b2759e307bb405bb1a6531f8a0f557eaec46d7546050612fdb836f0fa60eae0",
        "4d7ad517909c56b59ce7a4f98200f67e542acb5dad356fed21bc37c8994160f7",
        "a4530ff15c83886058a97c352f53f38be07d191de8f410e998e91786b5900a26",
        "dda431dff25643e1720d1599b8eb3adacf41d7e39eb9626539c3befd8a62a89f",
        "5cea9e8fb7933540a2236a4bb25c1ed3a8447f345c55ae659143a95a5d8dac5e",
        "e602a45343190014a0fc0792d2cf0fba72d2233a32c8f0c1affd6098bae526dd",
    ),
    ("train",) * 8 + ("test",) * 2,
)

_THOUSANDS = {"train": 60_000, "test": 10_000, "all": 70_000}
_ENTRIES = (
    Dataset(
        "digits",
        "Handwritten digits, 8 x 8 pixels from 0 to 16; ships inside scikit-learn.",
        (8, 8),
        "scikit-learn (UCI, CC BY 4.0)",
        (Copy({"all": 1_797}, (), contents.read_digits),),
        installed="sklearn/datasets/data/digits.csv.gz",
    ),
    Dataset(
        "mnist",
        "Handwritten digits, 28 x 28 grey pixels.",
        (28, 28),
        "LeCun, Cortes, Burges (usually given as CC BY-SA 3.0)",
        (Copy(_THOUSANDS, _MNIST, contents.read_idx_pairs),),
        _MNIST_DOWNLOADS,
    ),
    Dataset(
        "fashion-mnist",
        "Pieces of clothing, 28 x 28 grey pixels.",
        (28, 28),
        "https://github.com/zalandoresearch/fashion-mnist (Zalando SE, MIT)",
        (Copy(_THOUSANDS, _FASHION, contents.read_idx_pairs),),
        _FASHION_DOWNLOADS,
    ),
    Dataset(
        "ecg5000",
        "Heartbeats of one patient, 140 samples each; label 1 is normal, 0 is not.",
        (140,),
        "PhysioNet, UCR archive, in the form of TensorFlow's tutorial (ODC-By 1.0)",
        (Copy({"all": 4_998, "train": 500, "test": 4_498}, (_ECG,), contents.read_beats),),
        (_ECG_DOWNLOAD,),
    ),
    Dataset(
        "olivetti",
        "Faces of 40 persons, 10 of each, 64 x 64 grey pixels.",
        (64, 64),
        "AT&T Laboratories Cambridge (free with credit)",
        (Copy({"all": 400}, _OLIVETTI, contents.read_idx_pairs),),
        (_OLIVETTI_DOWNLOAD,),
    ),
    Dataset(
        "cifar10",
        "Animals and vehicles, 32 x 32 coloured pixels.",
        (32, 32, 3),
        "https://www.cs.toronto.edu/~kriz/cifar.html (Krizhevsky 2009; no licence stated)",
        (
            Copy({"train": 50_000, "test": 10_000, "all": 60_000}, _CIFAR, contents.read_cifar),
            Copy({"train": 4_000, "test": 1_000, "all": 5_000}, _CIFAR_SHEETS, contents.read_cifar_sheets),
        ),
        (_CIFAR_DOWNLOAD,),
    ),
)
DATASETS: Mapping[str, Dataset] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
