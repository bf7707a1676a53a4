"""`make bench TASKS="dir dir" TEXTS=file`: every benchmark, each with its report below benchmarks/results/."""

from __future__ import annotations

import argparse
import subprocess
import sys


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="*", help="directories of evaluation tasks")
    parser.add_argument("--texts", help="texts to hold the tokenizer beside jieba on")
    arguments = parser.parse_args()
    runs = [["match_latency"], ["growing_latency"], ["consortium_latency"]]
    if arguments.texts:
        runs.insert(0, ["tokenizer_identity", arguments.texts])
    if arguments.tasks:
        runs[:0] = [["ranking_quality", *arguments.tasks], ["requirements_quality", *arguments.tasks]]
    # Each in a process of its own: what one leaves in memory and caches shall not meet the next.
    done = [
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *rest], check=False).returncode
        for name, *rest in runs
    ]
    return max(done)


if __name__ == "__main__":
    raise SystemExit(main())
