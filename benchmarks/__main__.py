"""`make bench TASKS="dir dir"`: every benchmark, each with its report below benchmarks/results/."""

from __future__ import annotations

import subprocess
import sys


def main() -> int:
    # Each in a process of its own: what one leaves in memory and caches shall not meet the next.
    runs = [[sys.executable, "-m", f"benchmarks.{name}"] for name in ("match_latency", "consortium_latency")]
    if sys.argv[1:]:
        runs.insert(0, [sys.executable, "-m", "benchmarks.ranking_quality", *sys.argv[1:]])
    return max(subprocess.run(run, check=False).returncode for run in runs)


if __name__ == "__main__":
    raise SystemExit(main())
