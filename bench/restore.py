"""Damaged pictures restored by a network and by classical means: tables and pictures of docs/systems/restoration.md.

    python bench/restore.py [NAME ...] [--minutes M] [--dry-run]

Names: holes-olivetti, holes-cifar, stripes-olivetti, watermark-cifar, watermark-olivetti, colour-cifar, set12; none is all of
them. A network learns from the training pictures and restores test pictures that were spoiled with a fixed seed: faces of
persons that it never saw (Olivetti, the last 8 of 40), the test part of CIFAR-10, Set12. ``--minutes`` is the processor time
of each fit, on a quiet machine: it sets the number of epochs from the time of one; without it the library's default is taken.
Prints a JSON line for each way and writes its table and its picture, unless ``--dry-run`` is given.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import os
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import isthmus
from isthmus.atomic import write_bytes
from isthmus.corruptions import Corruption, GaussianNoise, Grayscale, Holes, Watermark
from isthmus.errors import IsthmusWarning
from isthmus.filters import best_tv_weight
from isthmus.restoration import Row, compare_filters

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, END = DOCS / "systems" / "restoration.md", "<!-- end -->"
RANGE, SEED, COARSER = 255.0, 1, 3  # every third grey level in pictures: files a third smaller, and nobody sees it
UNET, BOTTLENECK, MEAN_COLOUR = "isthmus, U-shaped", "isthmus, {} latents", "colour by brightness"
Groups = list[np.ndarray]  # pictures of one size each


@dataclass(frozen=True)
class Task:
    """What is restored.

    Attributes
    ----------
    data : gives the training pictures and the test pictures, the latter in groups of one size.
    latent_dim : of the network with a bottleneck, or None: there is none.
    classical : the way that stands beside the network's in the picture.
    shown : test pictures in the picture, and its magnification.
    crop : side of the middle part that is shown, or None: all.
    published : ways whose PSNR others measured on the same pictures.
    """

    corruption: Corruption
    data: Callable[[], tuple[np.ndarray, Groups]]
    latent_dim: int | None
    classical: str = "inpainting"
    shown: int = 8
    scale: int = 3
    crop: int | None = None
    published: tuple[tuple[str, float], ...] = ()


def olivetti() -> tuple[np.ndarray, Groups]:
    faces, person = isthmus.datasets.load("olivetti", labels=True)
    return faces[person < 32], [faces[person >= 32]]


def cifar() -> tuple[np.ndarray, Groups]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IsthmusWarning)  # a partial copy will do: its size is in the result
        return isthmus.datasets.load("cifar10", "train")[:4000], [isthmus.datasets.load("cifar10", "test")[:1000]]


def natural() -> tuple[np.ndarray, Groups]:
    folder = Path(os.environ["ISTHMUS_DATA"]) / "denoise"
    names = [f"{number:02}.png" for number in range(1, 13)]
    sizes = (names[:7], names[7:])  # of 256 x 256, and of 512 x 512
    groups = [np.asarray(isthmus.read([folder / "set12" / name for name in some])) for some in sizes]
    return np.asarray(isthmus.read(folder / "train400")), groups


TASKS = {
    "holes-olivetti": Task(Holes(2, (0.15, 0.35)), olivetti, 64, scale=2),
    "holes-cifar": Task(Holes(2, (0.15, 0.35)), cifar, 128),
    "stripes-olivetti": Task(Holes(4, (0.03, 0.08), "stripes"), olivetti, 64, scale=2),
    "watermark-olivetti": Task(Watermark("SAMPLE", size=0.9), olivetti, 64, scale=2),
    "watermark-cifar": Task(Watermark("SAMPLE", size=0.9), cifar, 128),
    "colour-cifar": Task(Grayscale(), cifar, 128, MEAN_COLOUR),
    "set12": Task(
        GaussianNoise(25 / 255, clip=False),
        natural,
        None,
        "non-local means",
        shown=3,
        scale=2,
        crop=120,
        published=(("BM3D, published", 29.97), ("DnCNN, published", 30.44)),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--dry-run", action="store_true")
    args = parser.parse_args()
    if unknown := set(args.names) - set(TASKS):
        parser.error(f"no such task: {', '.join(sorted(unknown))}; there are {', '.join(TASKS)}")
    os.environ.setdefault("ISTHMUS_DATA", "../shared/data")
    for name in args.names or TASKS:
        rows, costs, sheet = measured(TASKS[name], args.minutes)
        for row in rows:
            print(json.dumps({"task": name, **dataclasses.asdict(row), **costs.get(row.name, {})}), flush=True)
        table = markdown(rows, costs)
        print(table, flush=True)
        if not args.dry_run:
            write_bytes(DOCS / "images" / f"restoration-{name}.png", sheet)
            write_table(name, table)


def measured(task: Task, minutes: float | None) -> tuple[list[Row], dict[str, dict[str, float]], bytes]:
    """The figures of every way, what the fits took, and the picture."""
    train, groups = task.data()
    low, high = float(train.min()), float(train.max())
    clean = [group.astype(np.float32) for group in groups]
    spoiled = [task.corruption.apply(group, SEED, low=low, high=high) for group in clean]
    ways: dict[str, Groups] = {}
    costs = {}
    sizes = [None] if task.latent_dim is None else [task.latent_dim, None]
    for size in sizes:
        model, cost = fitted(task.corruption, train, size, minutes)
        way = UNET if size is None else BOTTLENECK.format(size)
        ways[way], costs[way] = [model.denoise(group) for group in spoiled], cost
    if isinstance(task.corruption, Grayscale):
        ways[MEAN_COLOUR] = [mean_colour(train, group) for group in spoiled]
    rows = compared(task, train, clean, spoiled, ways) + [Row(name, psnr=psnr) for name, psnr in task.published]
    pictures = [spoiled, ways[UNET], ways.get(task.classical) or classical(task, spoiled), clean]
    return rows, costs, contact_sheet(task, ("damaged", "isthmus", task.classical, "truth"), pictures)


def fitted(
    corruption: Corruption, train: np.ndarray, latent_dim: int | None, minutes: float | None
) -> tuple[isthmus.DenoisingAutoencoder, dict[str, float]]:
    """The U-shaped network, or one with a bottleneck, and what its fit took."""
    network = {} if latent_dim is None else {"latent_dim": latent_dim, "network": "conv"}

    def fit(**how: int) -> tuple[isthmus.DenoisingAutoencoder, float]:
        start = time.process_time()
        model = isthmus.DenoisingAutoencoder(corruption, random_state=0, **network, **how).fit(train)
        return model, time.process_time() - start

    if minutes is None:
        model, seconds = fit()
    else:
        one = (fit(max_epochs=3)[1] - fit(max_epochs=1)[1]) / 2  # what a fit takes besides its epochs drops out
        model, seconds = fit(max_epochs=max(1, round(60 * minutes / one)))
    return model, {"fit_cpu_seconds": round(seconds, 1), "epochs": len(model.history_) - 1}


def mask_of(corruption: Corruption, group: np.ndarray) -> np.ndarray:
    """Which pixels of the test pictures were touched, (n, h, w): what the classical ways are told."""
    flat = [np.full(group.shape, value, np.float32) for value in (0, 1)]
    touched = [corruption.apply(one, SEED, low=0, high=1) != one for one in flat]
    either = touched[0] | touched[1]
    return either.any(axis=3) if either.ndim == 4 else either


def mean_colour(train: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """Each channel as the linear function of the grey value that is best on the training pictures."""
    brightness = Grayscale().apply(train)[..., 0].ravel().astype(np.float64)
    lines = [np.polyfit(brightness, train[..., i].ravel(), 1) for i in range(3)]
    return np.stack([np.polyval(line, grey[..., 0]) for line in lines], axis=-1).clip(0, RANGE)


def compared(task: Task, train: np.ndarray, clean: Groups, spoiled: Groups, ways: dict[str, Groups]) -> list[Row]:
    """One row for each way, over the pictures of all groups."""
    noise = isinstance(task.corruption, GaussianNoise)
    how = noise_known(task.corruption, train) if noise else {}
    found: dict[str, list[Row]] = {}
    for i, (noisy, truth) in enumerate(zip(spoiled, clean, strict=True)):
        restored = {name: groups[i] for name, groups in ways.items()}
        mask = None if noise else mask_of(task.corruption, truth)
        if isinstance(task.corruption, Grayscale):
            mask = np.zeros(truth.shape[1:3], bool)  # no pixel is missing, and no filter finds colours
        for row in compare_filters(noisy, truth, restored, RANGE, mask=mask, most=len(truth), **how):
            found.setdefault(row.name, []).append(row)
    if isinstance(task.corruption, Grayscale):
        found = {name: rows for name, rows in found.items() if name == "untouched" or name in ways}
    return [joined(rows) for rows in found.values()]


def noise_known(corruption: GaussianNoise, train: np.ndarray) -> dict[str, float]:
    """What the filters are told: the noise level, and the weight of total variation that is best on training pictures."""
    clean = train[:: len(train) // 10] / RANGE
    noisy = clean + np.random.default_rng(SEED).normal(0, corruption.std, clean.shape)
    return {"sigma": corruption.std, "tv_weight": best_tv_weight(noisy, clean)}


def joined(rows: Sequence[Row]) -> Row:
    """The rows of one way on several groups as one: means over all pictures."""
    pictures = [row.pictures for row in rows]

    def mean(figures: Sequence[float | None]) -> float | None:
        return None if None in figures else float(np.average([f for f in figures if f is not None], weights=pictures))

    figures = {name: mean([getattr(row, name) for row in rows]) for name in ("mse", "psnr", "ssim", "seconds")}
    return Row(rows[0].name, **figures, pictures=sum(pictures), note=rows[0].note)


def classical(task: Task, spoiled: Groups) -> Groups:
    """The pictures of the classical way that is shown."""
    if isinstance(task.corruption, GaussianNoise):
        restore = isthmus.filters.NOISE_FILTERS[task.classical]
        return [RANGE * restore(group / RANGE, task.corruption.std) for group in spoiled]
    restore_holes = isthmus.filters.HOLE_FILTERS[task.classical]
    return [restore_holes(group, mask_of(task.corruption, group)) for group in spoiled]


def contact_sheet(task: Task, titles: Sequence[str], pictures: Sequence[Groups]) -> bytes:
    """Some test pictures, one below the other as each way gives them, with the name of the way at the left."""
    strips = []
    for groups in pictures:
        flat = [picture for group in groups for picture in group]
        chosen = [flat[i] for i in np.linspace(0, len(flat) - 1, task.shown).round().astype(int)]
        strips.append(np.concatenate([framed(picture, task) for picture in chosen], axis=1))
    margin = 120
    sheet = Image.new("RGB", (margin + strips[0].shape[1], sum(len(strip) for strip in strips)), "white")
    pen, font, top = ImageDraw.Draw(sheet), ImageFont.load_default(14), 0
    for title, strip in zip(titles, strips, strict=True):
        pen.multiline_text((6, top + len(strip) // 2 - 10), title.replace(" ", "\n", 1), "black", font)
        sheet.paste(Image.fromarray(strip), (margin, top))
        top += len(strip)
    colours = np.ptp(np.concatenate(strips), axis=2).any()
    drawn = sheet if colours else sheet.convert("L").point(lambda grey: round(grey / COARSER) * COARSER)
    buffer = io.BytesIO()
    drawn.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def framed(picture: np.ndarray, task: Task) -> np.ndarray:
    """One picture enlarged, in colour, with a white edge."""
    if task.crop is not None:
        top, left = ((side - task.crop) // 2 for side in picture.shape[:2])
        picture = picture[top : top + task.crop, left : left + task.crop]
    colour = picture if picture.ndim == 3 else picture[..., None].repeat(3, axis=2)
    pixels = np.rint(colour).clip(0, RANGE).astype(np.uint8)
    large = pixels.repeat(task.scale, axis=0).repeat(task.scale, axis=1)
    return np.pad(large, ((2, 2), (2, 2), (0, 0)), constant_values=255)


def markdown(rows: Sequence[Row], costs: dict[str, dict[str, float]]) -> str:
    """The table of one task, the best PSNR last."""
    lines = ["| | PSNR, dB | SSIM | error | fit, CPU s (epochs) |", "| --- | --- | --- | --- | --- |"]
    for row in sorted(rows, key=lambda row: row.psnr or 0.0):
        cost = costs.get(row.name)
        figures = [
            row.note if row.psnr is None else f"{row.psnr:.2f}",
            "" if row.ssim is None else f"{row.ssim:.3f}",
            "" if row.mse is None else f"{row.mse**0.5:.1f}",
            f"{cost['fit_cpu_seconds']:.0f} ({cost['epochs']})" if cost else "",
        ]
        cells = [f"**{cell}**" if cell and row.name == UNET else cell for cell in (row.name, *figures)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write_table(name: str, table: str) -> None:
    """Put the table between its two markers in the page."""
    start = f"<!-- {name}: bench/restore.py -->"
    before, found, rest = PAGE.read_text(encoding="utf-8").partition(start)
    if found:
        after = rest.partition(END)[2]
        write_bytes(PAGE, f"{before}{start}\n{table}\n{END}{after}".encode())


if __name__ == "__main__":
    main()
