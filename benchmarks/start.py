"""Time and memory from nothing to a first labelled sentence, in new processes.

    python -m benchmarks.start

The first process warms the disk and is not counted. Ends with one JSON line.
"""

import json
import statistics
import subprocess
import sys

ROUNDS = 5
CODE = """
import resource, sys, time
begun = time.perf_counter()
import claim_classifier
imported = time.perf_counter()
claim_classifier.ClaimClassifier.load().predict(["The strike could spread to other ports."])
done = time.perf_counter()
print(imported - begun, done - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def main() -> None:
    runs = []
    for _ in range(ROUNDS + 1):
        done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
        runs.append([float(value) for value in done.stdout.split()])
    imported, first, memory = (round(statistics.median(column), 3) for column in zip(*runs[1:], strict=True))
    print(f"import {imported} s, first sentence {first} s, peak memory {memory:.0f} MB")
    print(json.dumps({"benchmark": "start", "import_s": imported, "first_sentence_s": first, "peak_mb": memory}))


if __name__ == "__main__":
    main()
