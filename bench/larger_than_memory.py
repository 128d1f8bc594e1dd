"""A fit and its scores where the rows are twenty times as large as the memory that the process may take.

    python bench/larger_than_memory.py [--limit-mib 1024] [--times 20] [--folder FOLDER]

The rows (float32, 512 columns) are written to a NumPy file, in a folder that goes away afterwards. A process of its own may take
so much memory and no more (``RLIMIT_DATA``: what it asks for itself, libraries included; Linux only), opens the file by
``np.load(mmap_mode="r")``, fits one pass, scores a million rows and shows what it holds. That the limit bites is seen first: the
same process is refused an array of that size. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from peers import answer

COLUMNS, BLOCK, SCORED = 512, 65_536, 1_000_000
CHILD = """
import json, resource, sys, time
limit = int(sys.argv[2]) << 20
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
import numpy as np
import isthmus
try:
    np.ones(limit, np.uint8)
    sys.exit("the limit does not bite")
except MemoryError:
    pass
X = np.load(sys.argv[1], mmap_mode="r")
start = time.perf_counter()
model = isthmus.Autoencoder(8, hidden_dims=(64,), network="dense", max_epochs=1, random_state=0, progress=False).fit(X)
fitted = time.perf_counter()
errors = model.score_samples(X[:int(sys.argv[3])])
scored = time.perf_counter()
status = dict(line.split(":", 1) for line in open("/proc/self/status") if line.startswith(("Rss", "Vm")))
print(json.dumps({
    "rows": len(X), "gib": X.nbytes / 2**30, "fit_seconds": fitted - start, "score_seconds": scored - fitted,
    "data_mib": int(status["VmData"].split()[0]) / 1024, "rss_anonymous_mib": int(status["RssAnon"].split()[0]) / 1024,
    "error": -float(errors.mean()), "variance": float(X[:100_000].var(axis=0).mean()),
}))
"""


def write_rows(path: Path, n_rows: int) -> None:
    """Rows near a curved surface of 8 dimensions, block by block."""
    rng = np.random.default_rng(0)
    bend, out = rng.normal(size=(8, 64)).astype(np.float32), rng.normal(size=(64, COLUMNS)).astype(np.float32) / 8
    file = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n_rows, COLUMNS))
    for start in range(0, n_rows, BLOCK):
        z = rng.standard_normal((min(BLOCK, n_rows - start), 8), dtype=np.float32)
        file[start : start + len(z)] = np.tanh(0.6 * z @ bend) @ out
        file[start : start + len(z)] += 0.1 * rng.standard_normal((len(z), COLUMNS), dtype=np.float32)
    file.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit-mib", type=int, default=1_024)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument(
        "--folder", help="where the rows are written; the system's folder for temporary files if not given"
    )
    args = parser.parse_args()
    n_rows = args.limit_mib * 2**20 * args.times // (4 * COLUMNS)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        path = Path(folder, "rows.npy")
        start = time.perf_counter()
        write_rows(path, n_rows)
        print(f"{n_rows:,} rows of {COLUMNS} columns written in {time.perf_counter() - start:.0f} s", flush=True)
        command = [sys.executable, "-c", CHILD, str(path), str(args.limit_mib), str(min(SCORED, n_rows))]
        found = answer(command)
    if found is None:
        raise SystemExit("this system has no limits on memory (Python's module resource)")
    print(
        f"{found['gib']:.1f} GiB under a limit of {args.limit_mib:,} MiB: fitted in {found['fit_seconds']:.0f} s, "
        f"{min(SCORED, n_rows):,} rows scored in {found['score_seconds']:.1f} s; the process holds {found['data_mib']:,.0f} MiB; "
        f"mean squared error {found['error']:.4f} of {found['variance']:.4f}"
    )
    print(json.dumps({"limit_mib": args.limit_mib, **found}))


if __name__ == "__main__":
    main()
