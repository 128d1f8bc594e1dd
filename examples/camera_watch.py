"""Watch a hillside by camera: learn from a folder of normal pictures what it looks like, then look at new ones as they come.

    python examples/camera_watch.py [--output FOLDER]

The pictures are generated (`examples/hillside.py`), so it is known where smoke and fire are; the watch is not told. Each new
picture is a file that is read, put through the autoencoder, and compared with what came out; a line says how odd it is, and
where. At the end stands how many were found, beside simpler ways. `docs/systems/camera-watch.md` explains the choices.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hillside
import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

import isthmus
from isthmus import atomic
from isthmus.data.png import png_bytes
from isthmus.views.pictures import Strip, sheet_png

Floats = NDArray[np.float64]
Maps = Callable[[Any], NDArray[Any]]
"""Pictures to the error of each pixel, (n, height, width)."""
NORMAL, HELD_OUT, STREAM = 400, 300, {"": 200, "smoke": 50, "fire": 50}
FALSE_ALARMS = 0.02
"""Share of normal pictures that may raise an alarm."""


@dataclass(frozen=True)
class Finding:
    """What one picture looks like to the watch.

    Attributes
    ----------
    score : the largest standardised error in the picture.
    alarm : whether it is above the threshold.
    at : (row, column) of that error.
    box : (top, left, bottom, right) around it, the last two exclusive.
    odd : (height, width) the standardised error of each pixel.
    """

    score: float
    alarm: bool
    at: tuple[int, int]
    box: tuple[int, int, int, int]
    odd: Floats


@dataclass(frozen=True, eq=False)
class Watch:
    """Normal errors at each place of the picture, and the score from which on a picture is an alarm; see `learn`.

    Attributes
    ----------
    mean, spread : (height, width) mean and standard deviation of the prepared error (`prepared`) of held-out normal pictures.
    threshold : the score above which a picture is an alarm.
    expected : share of normal pictures that is expected above it.
    """

    mean: Floats
    spread: Floats
    threshold: float
    expected: float

    @classmethod
    def learn(cls, errors: NDArray[Any], false_alarms: float = FALSE_ALARMS) -> Watch:
        """Learn what is normal from error maps (n, height, width) of pictures that the autoencoder has not seen.

        The threshold is one of their own scores. A picture must not be scored by a mean and a spread that it was part of, so
        each half is scored by those of the other. With the k-th largest of n scores as threshold, k of n + 1 new normal
        pictures are expected at or above it.
        """
        halves = errors[::2], errors[1::2]
        apart = [cls._of(half, np.inf, 0.0).scores(other) for half, other in (halves, halves[::-1])]
        scores = np.sort(np.concatenate(apart))
        above = max(1, round(false_alarms * len(scores)))
        return cls._of(errors, float(scores[-above]), above / (len(scores) + 1))

    @classmethod
    def _of(cls, errors: NDArray[Any], threshold: float, expected: float) -> Watch:
        normal = prepared(errors)
        spread = normal.std(axis=0)
        return cls(normal.mean(axis=0), spread + 0.1 * spread.mean(), threshold, expected)

    def odd(self, errors: NDArray[Any]) -> Floats:
        """By how many standard deviations the error of each pixel is larger than usual at its place."""
        odd: Floats = (prepared(errors) - self.mean) / self.spread
        return odd

    def scores(self, errors: NDArray[Any]) -> Floats:
        """The largest of them in each picture, (n,): a small fire would be lost in a mean over the picture."""
        return self.odd(errors).max(axis=(1, 2))

    def look(self, errors: NDArray[Any]) -> Finding:
        """Judge the error map (height, width) of one picture."""
        odd = self.odd(errors[None])[0]
        top, left = (int(i) for i in np.unravel_index(odd.argmax(), odd.shape))
        score = float(odd[top, left])
        blobs, _ = ndimage.label(odd >= min(score, 0.4 * score), np.ones((3, 3)))
        rows, columns = ndimage.find_objects(blobs)[blobs[top, left] - 1]
        box = (rows.start, columns.start, rows.stop, columns.stop)
        return Finding(score, score >= self.threshold, (top, left), box, odd)


def prepared(errors: NDArray[Any]) -> Floats:
    """Error maps (n, height, width) blurred by a pixel, and their logarithm: errors differ by factors, not by amounts."""
    blurred: Floats = ndimage.gaussian_filter(errors.astype(np.float64), (0, 1, 1))
    return np.log(blurred + 1e-4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("demo/camera-watch"), metavar="FOLDER")
    folder = parser.parse_args().output
    start = time.perf_counter()
    truth = generate(folder, NORMAL, HELD_OUT, STREAM)
    print(f"{NORMAL} normal pictures to learn from, {HELD_OUT} held out, {len(truth)} to come, in {folder}")
    model = isthmus.Autoencoder(random_state=0).fit(isthmus.read(folder / "normal"))
    held_out = isthmus.read(folder / "held-out")
    compared = model.compare(held_out)
    print(
        f"fitted in {time.perf_counter() - start:.0f} s, {model.latent_dim_} numbers a picture: on held-out pictures ",
        end="",
    )
    print(f"{compared['error']:.4f} of the variance is left, by PCA of the same size {compared['pca_error']:.4f}")
    if model.history_[0]["kept"]:
        print("(the network found nothing surely better than PCA, so isthmus kept PCA)")
    watch = Watch.learn(model.errors(held_out))
    print(f"alarm from score {watch.threshold:.1f} on; {watch.expected:.1%} of normal pictures are expected above it")
    findings = look_at_all(model, watch, folder / "stream")
    report(model, watch, folder, truth, findings)
    print(f"done in {time.perf_counter() - start:.0f} s")


def generate(folder: Path, normal: int, held_out: int, stream: dict[str, int]) -> dict[str, hillside.Shot]:
    """Write three folders of pictures; give the truth about the stream by file name."""
    for part, first, count in (("normal", 0, normal), ("held-out", 100_000, held_out)):
        shots = {f"{i:04}.png": hillside.shoot(first + i) for i in range(count)}
        write_pictures(folder / part, {name: shot.pixels for name, shot in shots.items()})
    kinds = np.repeat(list(stream), list(stream.values()))
    shots = [
        hillside.shoot(200_000 + i, str(kind)) for i, kind in enumerate(np.random.default_rng(0).permutation(kinds))
    ]
    truth = {f"{i:04}-{int(s.hour):02}{int(60 * (s.hour % 1)):02}.png": s for i, s in enumerate(shots)}
    write_pictures(folder / "stream", {name: shot.pixels for name, shot in truth.items()})
    return truth


def write_pictures(folder: Path, pictures: dict[str, NDArray[Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in pictures.items():
        atomic.write_bytes(folder / name, png_bytes(pixels))


def look_at_all(model: isthmus.Autoencoder, watch: Watch, folder: Path) -> dict[str, Finding]:
    """Read and judge the files of a folder one by one, as a camera would deliver them."""
    findings = {}
    for path in sorted(folder.glob("*.png")):
        found = watch.look(model.errors(isthmus.read(path))[0])
        findings[path.name] = found
        top, left, bottom, right = found.box
        where = f"  ALARM  rows {top} to {bottom - 1}, columns {left} to {right - 1}" if found.alarm else ""
        print(f"  {path.name}  score {found.score:5.1f}{where}")
    return findings


def report(
    model: isthmus.Autoencoder,
    watch: Watch,
    folder: Path,
    truth: dict[str, hillside.Shot],
    findings: dict[str, Finding],
) -> None:
    """Print what was found beside simpler ways, and write the pictures."""
    pictures = np.stack([truth[name].pixels for name in findings])
    shots = list(truth.values())
    normal, held_out = (np.asarray(isthmus.read(folder / part)) for part in ("normal", "held-out"))
    pca = isthmus.Autoencoder(model.latent_dim_, max_epochs=0, random_state=0).fit(normal)
    center, variance = normal.mean(axis=0), normal.var(axis=0).mean()
    ways: dict[str, Maps] = {
        "isthmus": model.errors,
        "PCA of the same size": pca.errors,
        "difference from the mean picture": lambda x: np.square(np.asarray(x) - center).mean(axis=3) / variance,
    }
    print("\nAt the same expected false alarms:" + " " * 9 + " smoke   fire   place right   false alarms")
    for name, maps in ways.items():
        learnt, errors = Watch.learn(maps(held_out)), maps(pictures)
        print(f"  {name:<42}" + "  ".join(counts(shots, [learnt.look(e) for e in errors])))
        print(f"  {'  by the mean of the picture':<42}" + "  ".join(counts(shots, by_mean(maps(held_out), errors))))
    judged = by_detector(normal, held_out, pictures, model.latent_dim_)
    print(f"  {'AnomalyDetector, by its own score':<42}" + "  ".join(counts(shots, judged)))
    atomic.write_bytes(folder / "camera-watch.png", sheet(model, watch, truth, findings))
    print(f"\nwrote {folder / 'camera-watch.png'}: pictures, reconstructions, and how odd each place is")


def by_mean(held_out: NDArray[Any], errors: NDArray[Any]) -> list[Finding]:
    """Judge by the mean error of a picture, as one would first; it has no place."""
    threshold = np.sort(held_out.mean(axis=(1, 2)))[-max(1, round(FALSE_ALARMS * len(held_out)))]
    return [Finding(m, m >= threshold, (-1, -1), (0, 0, 0, 0), e) for e in errors for m in [float(e.mean())]]


def by_detector(normal: Any, held_out: Any, pictures: NDArray[Any], latent_dim: int) -> list[Finding]:
    """Judge by `isthmus.AnomalyDetector`, which has the same pictures; as many of them set its threshold."""
    known = np.concatenate([normal, held_out])
    detector = isthmus.AnomalyDetector(
        isthmus.Autoencoder(latent_dim, max_epochs=0), threshold="quantile", false_alarm_rate=FALSE_ALARMS,
        calibration_fraction=len(held_out) / len(known), random_state=0,
    ).fit(known)  # fmt: skip
    found = zip(
        detector.anomaly_scores(pictures), detector.predict(pictures) < 0, detector.explain(pictures), strict=True
    )
    places = [(float(s), bool(alarm), np.unravel_index(heat.argmax(), heat.shape), heat) for s, alarm, heat in found]
    return [Finding(s, alarm, (int(at[0]), int(at[1])), (0, 0, 0, 0), heat) for s, alarm, at, heat in places]


def counts(shots: list[hillside.Shot], findings: list[Finding]) -> list[str]:
    """Shares found of smoke and fire, of places that lie on them, and of false alarms, as text."""
    pairs = list(zip(shots, findings, strict=True))
    share = {w: np.mean([f.alarm for s, f in pairs if s.what == w]) for w in ("smoke", "fire", "")}
    right = [bool(s.seen[f.at]) for s, f in pairs if s.what and f.alarm and f.at[0] >= 0]
    place = f"{np.mean(right):13.0%}" if right else f"{'–':>13}"
    return [f"{share['smoke']:6.0%} {share['fire']:6.0%} {place}", f"{share['']:13.1%}"]


def sheet(
    model: isthmus.Autoencoder, watch: Watch, truth: dict[str, hillside.Shot], findings: dict[str, Finding]
) -> bytes:
    """Pictures over their reconstructions and over how odd each place is, what raised an alarm framed."""
    names = chosen(truth, findings)
    judged = [(truth[name].pixels, findings[name]) for name in names]
    heat = [matplotlib.colormaps["magma"](f.odd / (2 * watch.threshold), bytes=True)[..., :3] for _, f in judged]
    rebuilt = [model.reconstruct(pixels[None])[0] for pixels, _ in judged]
    rows = (
        ("Picture", np.stack([framed(pixels, found) for pixels, found in judged])),
        ("Rebuilt", np.stack(rebuilt).repeat(2, axis=1).repeat(2, axis=2)),
        ("How odd", np.stack([framed(h, found) for h, (_, found) in zip(heat, judged, strict=True)])),
    )
    captions = tuple(
        f"{truth[name].what or 'nothing there'}\n{'alarm' if found.alarm else 'no alarm'}, {found.score:.1f}"
        for name, (_, found) in zip(names, judged, strict=True)
    )
    page = Image.open(io.BytesIO(sheet_png(Strip("camera-watch", np.arange(len(names)), rows, captions))))
    buffer = io.BytesIO()
    page.quantize(256, Image.Quantize.MAXCOVERAGE).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def chosen(truth: dict[str, hillside.Shot], findings: dict[str, Finding]) -> list[str]:
    """Smoke, weak and strong; fire, and fire at dusk or dawn; the nearest miss; the highest score without a cause."""

    def of(what: str, *alarm: bool) -> list[str]:
        fitting = [name for name, found in findings.items() if truth[name].what == what and found.alarm in alarm]
        return sorted(fitting, key=lambda name: findings[name].score)

    smoke, fire = of("smoke", True), of("fire", True)
    some = [*smoke[len(smoke) // 3 :][:1], *smoke[2 * len(smoke) // 3 :][:1], *fire[len(fire) // 2 :][:1]]
    some += sorted(fire, key=lambda name: -abs(truth[name].hour - 13))[:1]
    return list(dict.fromkeys([*some, *of("smoke", False)[-1:], *of("", True, False)[-1:]]))


def framed(picture: NDArray[np.uint8], found: Finding) -> NDArray[np.uint8]:
    """The picture twice as large, with a frame around what raised an alarm."""
    page = Image.fromarray(np.ascontiguousarray(picture.repeat(2, axis=0).repeat(2, axis=1)))
    if found.alarm:
        top, left, bottom, right = (2 * side for side in found.box)
        ImageDraw.Draw(page).rectangle((left - 3, top - 3, right + 2, bottom + 2), outline="cyan")
    return np.asarray(page)


if __name__ == "__main__":
    main()
