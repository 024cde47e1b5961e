"""What the command line of ``export`` asks for, completed by ``--options FILE``: request, cases, run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..core.errors import RequestError
from .arguments import dicom_options, prepare_options, series_options
from .label_arguments import label_options
from .terminal import typed

if TYPE_CHECKING:
    from ..cases.find import Case
    from ..core.options import DataSetOptions, ExportRequest
    from ..export.from_files import RunOptions
    from ..files.network.downloads import Downloads


def request_of(options: argparse.Namespace) -> ExportRequest:
    """Return what the command line asks to make of each case.

    Raises:
        RequestError: options make no sense, or contradict each other.
    """
    from ..core.options import ExportRequest
    from ..core.pieces.keeping import KeepOptions
    from ..core.pieces.limiting import LimitOptions
    from ..core.pieces.shape import slab_options

    return ExportRequest(
        slabs=slab_options(
            thickness=options.thickness,
            thickness_mm=options.thickness_mm,
            axis=options.axis,
            overlap=options.overlap,
            remainder=options.remainder,
            fill=options.fill,
            block=options.block,
            block_mm=options.block_mm,
            crop=options.crop,
            cut_at=options.cut_at,
        ),
        format=options.format,
        compression=options.compression,
        frame=options.frame,
        frames=options.frames,
        nifti_transform=options.nifti_transform,
        within=options.within,
        verify=not options.no_verify,
        series=series_options(options),
        dicom=dicom_options(options),
        keep=KeepOptions(options.keep, options.min_fraction),
        limit=LimitOptions(options.crop_to, options.margin),
        allow_outside_data=options.allow_outside_data,
        prepare=prepare_options(options),
        labels=label_options(options),
    )


def cases_of(
    options: argparse.Namespace, request: ExportRequest, data_set: DataSetOptions, files: Downloads
) -> list[Case]:
    """Return the cases that the command line asks for.

    Args:
        options: as parsed.
        request: what to make of each.
        data_set: how cases are found.
        files: takes what lies at addresses.

    Raises:
        RequestError: options contradict each other.
        InputError: nothing usable.
    """
    from ..cases.find import find_cases, split_and_grouped
    from ..export.identity import named_for_export

    cases = find_cases(options.inputs, options.labels, options.output, print_warning, data_set.channels, files)
    return named_for_export(split_and_grouped(cases, request, data_set), options.deidentify, print_warning)


def print_download(text: str) -> None:
    """Print that a file is being downloaded."""
    print(f"slab-exporter: {text}", file=sys.stderr, flush=True)


def print_warning(text: str) -> None:
    """Print a sentence about the inputs as a whole."""
    print(f"slab-exporter: warning: {typed(text)}", file=sys.stderr, flush=True)


def run_options(options: argparse.Namespace) -> RunOptions:
    """Return the options of the run.

    Raises:
        RequestError: a value is out of range, or options contradict each other.
    """
    from ..core.options import DataSetOptions
    from ..export.from_files import RunOptions
    from ..report.dataset import split_of

    if options.dask is not None and options.jobs is not None:
        raise RequestError("--jobs counts processes here; with --dask the cluster decides. Leave one of them out.")
    if options.shard is not None and options.dask is not None:
        raise RequestError("--shard and --dask are two ways to use many machines; leave one of them out.")
    return RunOptions(
        jobs=options.jobs,
        dask=options.dask,
        shard=options.shard,
        data_set=DataSetOptions(
            split=None if options.split is None else split_of(options.split),
            seed=options.seed,
            group_by=options.group_by,
            split_series=options.split_series,
            channels=tuple(options.channels),
            layout=options.layout,
            dataset_id=options.dataset_id,
            dataset_name=options.dataset_name,
        ),
        debug=options.debug,
        key_file=options.key_file,
    )


def completed(
    options: argparse.Namespace, add_arguments: Callable[[argparse.ArgumentParser], None]
) -> argparse.Namespace:
    """Return the options with those of the file that ``--options`` names; what was typed wins.

    Args:
        options: as parsed, with what was typed behind the command in ``typed_in``.
        add_arguments: adds the arguments of the command to a parser.

    Raises:
        InputError: the file cannot be read, or has an entry that is unknown or of the wrong kind.
        RequestError: it does not name a file that is needed.
    """
    from ..core.options.entries import entries, merged
    from ..export.options_file import read_options

    if options.options is None:
        return options
    given = _given(options.typed_in, add_arguments)
    if given.pop("no_verify", False):
        given["verify"] = False
    known = {keyword: value for keyword, value in given.items() if keyword in entries()}
    values = merged(read_options(options.options, known), known)
    return argparse.Namespace(**vars(options) | values | {"no_verify": not values.get("verify", True)})


def _given(typed_in: list[str], add_arguments: Callable[[argparse.ArgumentParser], None]) -> dict[str, Any]:
    """Return the options that were typed, without the defaults of the others."""
    parser = argparse.ArgumentParser(argument_default=argparse.SUPPRESS)
    add_arguments(parser)
    for action in parser._actions:  # the only way: an argument's own default goes before the parser's
        action.default = argparse.SUPPRESS
    return vars(parser.parse_known_args(typed_in)[0])  # --json and --debug are of every command
