"""``python -m slab_exporter``: the same as the ``slab-exporter`` command."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
