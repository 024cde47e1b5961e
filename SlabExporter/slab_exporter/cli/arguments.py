"""Options of the command line for many cases; imports nothing but the standard library."""

from __future__ import annotations

import argparse
from pathlib import Path

INPUT_HELP = (
    "volume files, folders of volumes or DICOM series (searched to the bottom), glob patterns, .csv or .txt lists"
)


def add_batch_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``export`` that say how many cases are run, where, and how the data set is divided."""
    parser.add_argument(
        "--jobs", type=int, metavar="N",
        help="cases to work on side by side, as far as memory allows, each on one processor (default: all processors)",
    )  # fmt: skip
    parser.add_argument(
        "--dask", metavar="ADDRESS", help="work on a Dask cluster: scheduler address, or its scheduler file (.json)"
    )
    parser.add_argument(
        "--shard", type=_shard, metavar="I/N",
        help="only part I of N of the cases, for job arrays; a last run with --resume and without --shard sums up",
    )  # fmt: skip
    parser.add_argument(
        "--split",
        metavar="A,B[,C]",
        help="shares of training, validation and test in dataset.json, such as 0.8,0.1,0.1",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the split (default 0)")
    parser.add_argument(
        "--group-by", metavar="COLUMN", help="column of a list whose cases stay together in a split (a patient)"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show what matched what, the slabs and their size, and write nothing"
    )


def add_table_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``inspect`` for its table of many cases."""
    parser.add_argument("--sort", metavar="COLUMN", help="order the table by a column instead of odd cases first")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="also write the table to a file for a spreadsheet")


def given_text(text: str) -> str:
    """An argument that must not be empty, as it is where a variable of the shell is not set."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty; is a variable not set?")
    return text


def given_path(text: str) -> Path:
    """A path that must not be empty."""
    return Path(given_text(text))


def _shard(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal()):
        raise argparse.ArgumentTypeError(f"'{text}' is not I/N, such as 3/8")
    return int(number), int(count)
