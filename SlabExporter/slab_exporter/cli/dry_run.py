"""``--dry-run``: print what an export would make of its inputs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..cases.find import Case, match_summary
from ..cases.parts import deal
from ..core.naming import piece_noun
from ..core.options import ExportRequest
from ..core.options.entries import said
from ..core.text import lengths, sizes
from ..export.from_files import RunOptions
from ..export.options_file import resolved_options
from ..inspection.dry_run import Outlook, outlook
from ..mrml.runtime import open_runtime
from .terminal import print_json, typed


def dry_run(cases: list[Case], out: Path, request: ExportRequest, as_json: bool, run: RunOptions) -> int:
    """Print the plan of an export, with the patient, the part and the label maps of each case; nothing is written.

    Returns:
        How many cases cannot be exported, as far as the headers show.
    """
    dealt = deal(cases, run.data_set.split, run.data_set.seed)
    options = resolved_options(request, run.data_set)
    with open_runtime() as runtime:
        outlooks = [replace(outlook(runtime, case, request), part=dealt.parts[case.name]) for case in cases]
    if as_json:
        for one in outlooks:
            print_json(one.to_json())
        for text in dealt.warnings:
            print_json({"event": "warning", "case": out.name, "message": text})
        print_json({"event": "options", "options": options})
    else:
        print(f"options: {said(options)}")
        print("\n".join(_text(outlooks, cases, out, dealt.warnings, request)))
    return sum(one.error is not None for one in outlooks)


def _text(
    outlooks: list[Outlook], cases: list[Case], out: Path, warnings: Sequence[str], request: ExportRequest
) -> list[str]:
    lines = ["; ".join(match_summary(cases)), ""]
    noun = piece_noun(one.plan.kind for one in outlooks if one.plan is not None)
    lines += _table([tuple(word.format(noun) for word in _HEADER), *(_row(one) for one in outlooks)])
    lines += ["", *(f"warning: {text}" for text in warnings)]
    for one in outlooks:
        lines += [f"{one.case.name}: warning: {typed(text)}" for text in one.warnings]
    lines += [f"{one.case.name}: CANNOT BE EXPORTED: {typed(one.error)}" for one in outlooks if one.error is not None]
    plans = [one.plan for one in outlooks if one.plan is not None]
    slices = sum(plan.limits.shape[plan.axis] for plan in plans)
    count, kind = sum(len(plan.slabs) for plan in plans), piece_noun(plan.kind for plan in plans)
    pieces = f"{count:,} {kind}{'' if count == 1 else 's'}"
    lines.append(
        f"{len(plans)} of {len(outlooks)} cases, {pieces}, {slices:,} slices: "
        f"{_bytes(sum(one.voxel_bytes for one in outlooks))} of voxels before compression{_room(out)}. "
        f"Nothing was written (--dry-run).{_LEFT_OUT if request.keep.keep != 'all' else ''}"
        f"{_CROPPED if request.limit.crop_to is not None else ''}"
    )
    return lines


_LEFT_OUT = " What --keep leaves out is known only when voxels are read; here all pieces are counted."

_CROPPED = " What --crop-to leaves out is known only when voxels are read; here the whole volume is counted."


_HEADER = ("case", "patient", "part", "{}s", "voxels", "spacing mm", "axes", "image", "label maps")


def _row(one: Outlook) -> tuple[str, ...]:
    labels = ", ".join(one.case.told(str(path)) for path in one.case.labels.values()) or "-"
    image = one.case.told(str(one.case.image))
    who = (one.case.name, one.case.group or one.case.name, one.part)
    if one.plan is None:
        return (*who, "-", "-", "-", "-", image, labels)
    geometry = one.plan.geometry
    spacing = lengths(geometry.spacing)
    shape = sizes(geometry.shape_ijk)
    return (*who, str(len(one.plan.slabs)), shape, spacing, geometry.orientation, image, labels)


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _bytes(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def _room(out: Path) -> str:
    place = next((path for path in (out.resolve(), *out.resolve().parents) if path.exists()), None)
    return "" if place is None else f"; {_bytes(shutil.disk_usage(place).free)} free in {out}"
