"""A mixed table with gaps: isthmus beside PCA on one-hot, mean-filled columns, in original units.

    python bench/mixed.py [--rows 5000] [--latent 4] [--seed 0]

The table is made here: customers with a hidden age, wealth and habit that drive numbers (one of them heavy-tailed), categories,
flags and dates; 10 % of the cells are missing. 80 % of the rows fit, the others measure. The error of a column, over its
observed cells: squared error over variance for numbers and dates, wrong answers over those of the most frequent answer for
categories and flags. PCA is scikit-learn's, on standardised numbers and one-hot levels, gaps filled by the mean; its
answer for a category is the largest of the reconstructed levels. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

import isthmus


def customers(n: int, seed: int) -> pd.DataFrame:
    """The made table, before gaps."""
    rng = np.random.default_rng(seed)
    age, wealth, habit = rng.uniform(18, 90, n), rng.normal(size=n), rng.uniform(0, 2 * np.pi, n)
    job = np.select(
        [age < 25, age > 66, wealth > 0.8, wealth < -0.8], ["student", "retired", "manager", "worker"], "clerk"
    )
    joined = pd.Timestamp("2015-01-01") + pd.to_timedelta(40 * (age - 18) + 60 * wealth + rng.normal(0, 30, n), "D")
    return pd.DataFrame(
        {
            "age": age.round().astype(float),
            "income": np.exp(10 + 0.9 * wealth - ((age - 50) / 30) ** 2 + rng.normal(0, 0.1, n)),
            "rooms": np.clip(np.rint(3 + 1.5 * wealth + rng.normal(0, 0.4, n)), 1, 12),
            "visits_morning": 10 + 8 * np.cos(habit) + rng.normal(0, 0.7, n),
            "visits_evening": 10 + 8 * np.sin(habit) + rng.normal(0, 0.7, n),
            "job": job,
            "plan": np.array(["basic", "plus", "gold"])[np.digitize(wealth + rng.normal(0, 0.2, n), [-0.3, 0.9])],
            "channel": np.array(["web", "shop", "phone", "app"])[(habit // (np.pi / 2)).astype(int)],
            "owner": wealth + 0.02 * (age - 50) + rng.normal(0, 0.3, n) > 0,
            "newsletter": np.cos(habit) + rng.normal(0, 0.3, n) > 0.2,
            "joined": joined.floor("D"),
            "last_seen": (joined + pd.to_timedelta(800 + 200 * np.cos(habit), "D")).floor("D"),
        }
    )


def with_gaps(frame: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """The frame with a share of its cells missing."""
    missing = np.random.default_rng(seed + 1).random(frame.shape) < share
    out = frame.astype({"owner": "boolean", "newsletter": "boolean"})
    for j, name in enumerate(frame.columns):
        out.loc[missing[:, j], name] = None
    return out


def as_numbers(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Numbers and dates as float64, NaN where missing."""
    plain = frame.select_dtypes("number").columns
    found = {name: frame[name].to_numpy(float, na_value=np.nan) for name in plain if frame[name].dtype != "boolean"}
    for name in frame.select_dtypes("datetime").columns:
        days = frame[name].to_numpy("datetime64[D]")
        found[name] = np.where(np.isnat(days), np.nan, days.astype(float))
    return found


def pca_reconstruction(train: pd.DataFrame, test: pd.DataFrame, size: int) -> pd.DataFrame:
    """What scikit-learn's PCA makes of ``test``, in original units (dates as days)."""
    fit_numbers, numbers = as_numbers(train), as_numbers(test)
    spots: list[tuple[str, str | None]] = [(name, None) for name in numbers]
    texts = [name for name in train.columns if name not in numbers]
    spots += [(name, str(level)) for name in texts for level in sorted(train[name].dropna().astype(str).unique())]

    def matrix(frame: pd.DataFrame, values: dict[str, np.ndarray]) -> np.ndarray:
        return np.column_stack(
            [
                values[n] if level is None else np.where(frame[n].isna(), np.nan, frame[n].astype(str) == level)
                for n, level in spots
            ]
        ).astype(float)

    a, b = matrix(train, fit_numbers), matrix(test, numbers)
    mean, scale = np.nanmean(a, axis=0), np.nanstd(a, axis=0)
    scale[len(numbers) :] = 1.0
    a, b = (np.nan_to_num((x - mean) / scale) for x in (a, b))
    pca = PCA(size).fit(a)
    back = pca.inverse_transform(pca.transform(b)) * scale + mean
    out = {name: back[:, j] for j, (name, level) in enumerate(spots) if level is None}
    for name in texts:
        places = [j for j, (owner, _) in enumerate(spots) if owner == name]
        out[name] = np.array([spots[j][1] for j in places])[back[:, places].argmax(axis=1)]
    return pd.DataFrame(out, index=test.index)


def errors(test: pd.DataFrame, came: pd.DataFrame, train: pd.DataFrame) -> dict[str, float]:
    """Error of each column over its observed cells; 1 knows nothing."""
    truth, seen = as_numbers(test), as_numbers(came)
    found = {}
    for name in test.columns:
        observed = ~test[name].isna().to_numpy()
        if name in truth:
            got = seen[name] if name in seen else came[name].to_numpy(float)
            variance = np.nanvar(as_numbers(train)[name])
            found[name] = float(((got - truth[name])[observed] ** 2).mean() / variance)
        else:
            said, was = came[name].astype(str).to_numpy()[observed], test[name].astype(str).to_numpy()[observed]
            usual = train[name].dropna().astype(str).mode()[0]
            found[name] = float((said != was).mean() / (usual != was).mean())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--latent", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    frame = with_gaps(customers(args.rows, args.seed), 0.1, args.seed)
    cut = args.rows * 4 // 5
    train, test = frame.iloc[:cut], frame.iloc[cut:]
    model = isthmus.Autoencoder(args.latent, random_state=args.seed).fit(train)
    ours = errors(test, model.reconstruct(test), train)
    pca = errors(test, pca_reconstruction(train, test, args.latent), train)
    print(f"{'column':16} {'isthmus':>8} {'PCA':>8}")
    for name in frame.columns:
        print(f"{name:16} {ours[name]:8.3f} {pca[name]:8.3f}")
    means = {"isthmus": float(np.mean(list(ours.values()))), "pca": float(np.mean(list(pca.values())))}
    print(f"{'mean':16} {means['isthmus']:8.3f} {means['pca']:8.3f}")
    better = sum(ours[name] <= pca[name] for name in ours)
    print(json.dumps({**means, "columns": len(ours), "columns_at_or_below_pca": better}))


if __name__ == "__main__":
    main()
