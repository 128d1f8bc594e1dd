"""Which score a camera watch should use: chosen on normal pictures alone, then told for smoke and fire.

Run as ``python bench/camera_watch.py [LATENT_DIM ...]`` (without numbers: 16, 32, 64 and 100; two minutes). To choose, soft patches
cut from elsewhere in the same picture are pasted into held-out normal pictures, as in CutPaste (Li and others 2021); the score that
finds most of them at 2 % false alarms is taken. The columns behind it say what it then finds of smoke and fire, which no
choice has looked at. Each line is one score: how the error is bent, by how many pixels it is blurred, whether it is
standardised by its mean and spread at each place.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

import isthmus

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
import hillside

TRAINING, HELD_OUT, NEW, PASTES = 400, 300, 400, 4
FALSE_ALARMS = 0.02
BENT = {"error": lambda e: e, "its root": np.sqrt, "its logarithm": lambda e: np.log(e + 1e-4)}


def pasted(pictures: Any, draw: np.random.Generator) -> Any:
    """The pictures with one soft round patch each, from another place of the same picture."""
    out = pictures.astype(np.float64)
    high, wide = pictures.shape[1:3]
    for picture in out:
        y, x, radius = draw.uniform(0, high), draw.uniform(0, wide), draw.uniform(1.5, 5)
        apart = (np.arange(high)[:, None] - y) ** 2 + (np.arange(wide) - x) ** 2
        share = np.exp(-apart / (2 * radius**2))[..., None]
        away = (int(draw.integers(8, high - 8)), int(draw.integers(8, wide - 8)))
        picture[:] = picture * (1 - share) + np.roll(picture, away, axis=(0, 1)) * share
    return out.round().astype(np.uint8)


def largest(maps: Any, reference: Any, standardised: bool) -> Any:
    """The largest value of each picture, and where it is."""
    if standardised:
        spread = reference.std(axis=0)
        maps = (maps - reference.mean(axis=0)) / (spread + 0.1 * spread.mean())
    flat = maps.reshape(len(maps), -1)
    return flat.max(axis=1), flat.argmax(axis=1)


def judged(errors: dict[str, Any], seen: dict[str, Any], bend: Any, blur: float, standardised: bool) -> list[float]:
    """Shares found of patches, smoke and fire, of places that are right, and of false alarms."""
    maps = {name: bend(gaussian_filter(e, (0, blur, blur)) if blur else e) for name, e in errors.items()}
    scores, patches = np.empty(HELD_OUT), np.empty(HELD_OUT * PASTES)
    for one, other in ((slice(0, None, 2), slice(1, None, 2)), (slice(1, None, 2), slice(0, None, 2))):
        scores[one] = largest(maps["held out"][one], maps["held out"][other], standardised)[0]
        patches[one] = largest(maps["pasted"][one], maps["held out"][other], standardised)[0]  # HELD_OUT is even
    threshold = np.sort(scores)[-round(FALSE_ALARMS * HELD_OUT)]
    found = {name: largest(maps[name], maps["held out"], standardised) for name in ("normal", "smoke", "fire")}
    right = [
        m.ravel()[place]
        for what, masks in seen.items()
        for m, score, place in zip(masks, *found[what], strict=True)
        if score >= threshold
    ]
    alarms = [float(np.mean(found[name][0] >= threshold)) for name in ("smoke", "fire", "normal")]
    return [float(np.mean(patches >= threshold)), *alarms[:2], float(np.mean(right)) if right else np.nan, alarms[2]]


def main() -> None:
    pictures = {"held out": np.stack([hillside.shoot(100_000 + i).pixels for i in range(HELD_OUT)])}
    pictures["normal"] = np.stack([hillside.shoot(300_000 + i).pixels for i in range(NEW)])
    shots = {what: [hillside.shoot(400_000 + i, what) for i in range(NEW // 2)] for what in ("smoke", "fire")}
    pictures |= {what: np.stack([shot.pixels for shot in listed]) for what, listed in shots.items()}
    pictures["pasted"] = pasted(np.concatenate([pictures["held out"]] * PASTES), np.random.default_rng(0))
    seen = {what: [shot.seen for shot in listed] for what, listed in shots.items()}
    training = np.stack([hillside.shoot(i).pixels for i in range(TRAINING)])
    mean, variance = training.mean(axis=0), float(training.var(axis=0).mean())
    print("| model | score | pasted | smoke | fire | place right | false alarms |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for size in [int(word) for word in sys.argv[1:]] or [16, 32, 64, 100]:
        for epochs in ("auto", 0):
            start = time.perf_counter()
            model = isthmus.Autoencoder(size, max_epochs=epochs, random_state=0).fit(training)
            ratio = model.compare(pictures["held out"])["ratio"]
            name = f"{size} numbers, {'PCA' if epochs == 0 else f'{ratio:.2f} of the error of PCA'}"
            print(f"{name}: fitted in {time.perf_counter() - start:.0f} s", file=sys.stderr)
            if epochs == 0 or ratio < 1 - 1e-6:
                table(name, {part: model.errors(x) for part, x in pictures.items()}, seen)
    apart = {part: np.square(x - mean).mean(axis=3) / variance for part, x in pictures.items()}
    table("the mean picture", apart, seen)


def table(name: str, errors: dict[str, Any], seen: dict[str, Any]) -> None:
    whole = {part: e.mean(axis=(1, 2), keepdims=True) for part, e in errors.items()}
    lines = {"mean of the picture": judged(whole, {}, BENT["error"], 0, False)}
    lines |= {f"largest error, blur {b}": judged(errors, seen, BENT["error"], b, False) for b in (0, 1, 2)}
    lines |= {
        f"largest standardised {words}, blur {b}": judged(errors, seen, bend, b, True)
        for words, bend in BENT.items()
        for b in (0, 1, 2)
    }
    for words, shares in lines.items():
        cells = ["–" if np.isnan(share) else f"{share:.1%}" for share in shares]
        print(f"| {name} | {words} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
