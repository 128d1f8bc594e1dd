"""A process that loads model files and says what it saw: limits and an audit hook belong in a process of their own.

Its arguments are good files, each loaded once first; then it says that it is ready. From then on each line of its input is an
order, ``{"path": ..., "room": MiB}``, and each line of its output what came of the load under an address space of that much more
than the process has: the class of the error and its text (None for a load that succeeded), the seconds, the MiB by which memory
grew at most, and every audit event meanwhile.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import isthmus

# What Python does at any attribute, frame or clean-up; nothing that leaves the process.
QUIET = ("object.__", "sys._getframe", "gc.", "builtins.id", "code.__new__", "array.__new__", "time.sleep")


class Watch:
    """An audit hook that can be switched."""

    def __init__(self):
        self.seen = None
        sys.addaudithook(self)

    def __call__(self, event, arguments):
        """Keep an event that is not quiet."""
        if self.seen is not None and not event.startswith(QUIET):
            self.seen.append([event, *[str(argument)[:200] for argument in arguments[:1]]])


def load(watch, path, room):
    """One load under a limit."""
    modules = set(sys.modules)
    with open("/proc/self/statm") as handle:
        pages = int(handle.read().split()[0])
    limit = pages * resource.getpagesize() + room * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    kind = text = None
    before, start, watch.seen = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter(), []
    try:
        isthmus.load(path)
    except BaseException as error:  # noqa: BLE001  # the class is what the test asks about
        kind, text = type(error).__name__, str(error)
    seconds, seen, watch.seen = time.perf_counter() - start, watch.seen, None
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return {
        "kind": kind, "text": text, "seconds": seconds, "grown": grown, "events": seen,
        "modules": sorted(set(sys.modules) - modules),
    }  # fmt: skip


def main():
    """Warm up, then answer orders until the input ends."""
    watch = Watch()
    for path in sys.argv[1:]:
        isthmus.load(path)
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(load(watch, order["path"], order["room"])), flush=True)


if __name__ == "__main__":
    main()
