"""Print, as JSON, the megabytes this process holds after each export: ``python memory_of_cases.py IMAGE OUT COUNT``."""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

from slab_exporter.cases.find import Case
from slab_exporter.core.options import ExportRequest
from slab_exporter.export.from_files import export_cases


def resident_megabytes() -> float:
    """Return what this process holds in memory, as Linux counts it."""
    gc.collect()
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def main(image: Path, out: Path, count: int) -> None:
    """Export the image ``count`` times, each time as another case."""
    after = []
    for number in range(count):
        export_cases([Case(f"case-{number}", image, {})], out / str(number), ExportRequest())
        after.append(resident_megabytes())
    print(json.dumps(after))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
