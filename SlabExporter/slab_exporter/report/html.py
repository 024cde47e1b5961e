"""HTML of report.html. Every text from outside is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ..core.geometry import Box, VolumeGeometry
from ..core.manifest import Manifest, SlabRecord
from ..core.naming import piece_noun
from ..core.text import counted, lengths, sizes
from .legend import legend
from .views import View, holds_plane, middle_views, rectangle, stroke

# Largest picture on the page, in CSS pixels; the three of a case share one scale.
_WIDEST, _HIGHEST = 176.0, 240.0
# Below this distance on the page slab numbers would run into each other.
_NUMBER_HEIGHT = 11.0

_LEGEND = (
    "<b>How to read the pictures.</b> Middle planes of the source volume in radiological convention: the patient's "
    "<b>right is on the left</b> of axial and coronal pictures, anterior at the top of axial ones. Boxes are the "
    "pieces that were cut, with their numbers, colours are labels. If the liver lies under the letter L, the volume is "
    "mirrored."
)


@dataclass(frozen=True)
class CaseCard:
    """A complete case as the report shows it.

    Attributes:
        manifest: of the case.
        part: of the split.
        warnings: sentences about what is unusual.
        notes: sentences about how the slabs came out.
        pictures: addresses of the pictures, by the name of the view.
    """

    manifest: Manifest
    part: str
    warnings: Sequence[str]
    notes: Sequence[str]
    pictures: dict[str, str]


def page(
    title: str,
    cards: Sequence[CaseCard],
    errors: Sequence[tuple[str, str, str]],
    problems: Sequence[str],
    style: str,
    script: str,
) -> str:
    """Return the whole document; it is as self-contained as the addresses of the pictures are.

    Args:
        title: name of the data set.
        cards: complete cases, in order.
        errors: case, image and sentence of each that failed.
        problems: sentences about the run as a whole.
        style: CSS.
        script: JavaScript.
    """
    warned = sorted((card for card in cards if card.warnings), key=lambda card: -len(card.warnings))
    others = [card for card in cards if not card.warnings]
    parts = [
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)} - SlabExporter</title>',
        f'<meta name="viewport" content="width=device-width"><style>{style}</style></head><body>',
        _head(title, cards, errors, warned),
        f'<main><p class="legend">{_LEGEND}</p>',
        _failed(errors, problems),
        _section(f"{len(warned)} with warnings", "have a look at these first", warned) if warned else "",
        f"<h2>{len(others)} without warnings</h2>" if others else "",
        _TOOLS if others else "",
        f'<div class="grid" id="all">{"".join(_card(card) for card in others)}</div></main>',
        "<footer>Made by SlabExporter. Research use; not for diagnosis.</footer>",
        f"<script>{script}</script></body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


_TOOLS = (
    '<div class="tools"><input id="find" type="search" placeholder="Find a case, an orientation, ...">'
    '<label>Order <select id="sort"><option value="name">as given</option><option value="slices">most slices</option>'
    '<option value="spacing">largest spacing</option><option value="orientation">orientation</option></select>'
    "</label></div>"
)


def _head(
    title: str, cards: Sequence[CaseCard], errors: Sequence[tuple[str, str, str]], warned: Sequence[CaseCard]
) -> str:
    slabs = [slab for card in cards for slab in card.manifest.slabs]
    verified = sum(slab.verified for slab in slabs)
    noun = piece_noun(card.manifest.plan.kind for card in cards)
    tiles = [
        _tile("bad" if errors else "good", len(errors), "failed"),
        _tile("warn" if warned else "good", len(warned), "with warnings"),
        _tile("", len(cards), "complete"),
        _tile("", len(slabs), _plural(len(slabs), noun)),
        _tile("" if verified == len(slabs) else "warn", verified, f"{_plural(verified, noun)} verified"),
    ]
    split = {part: sum(card.part == part for card in cards) for part in ("training", "validation", "test")}
    if split["training"] != len(cards):
        tiles.append(_tile("", " / ".join(str(n) for n in split.values()), "training / validation / test"))
    return (
        f"<header><div><h1>{escape(title)}</h1><p>{len(cards)} of {len(cards) + len(errors)} cases cut into {noun}s</p>"
        f'<div class="tiles">{"".join(tiles)}</div></div></header>'
    )


def _plural(number: int, noun: str) -> str:
    return counted(number, noun).partition(" ")[2]


def _tile(kind: str, number: object, name: str) -> str:
    return f'<div class="tile {kind}"><b>{number}</b>{name}</div>'


def _failed(errors: Sequence[tuple[str, str, str]], problems: Sequence[str]) -> str:
    items = [f"<li>{escape(problem)}</li>" for problem in problems]
    items += [f"<li><b>{escape(case)}</b>{escape(sentence)}</li>" for case, _, sentence in errors]
    if not items:
        return ""
    heading = f"{len(errors)} failed <small>not in the data set; see errors.csv</small>" if errors else "Problems"
    return f'<h2>{heading}</h2><ul class="failed">{"".join(items)}</ul>'


def _section(title: str, note: str, cards: Sequence[CaseCard]) -> str:
    return f'<h2>{title}<small>{note}</small></h2><div class="grid">{"".join(_card(card) for card in cards)}</div>'


def _card(card: CaseCard) -> str:
    manifest, geometry = card.manifest, card.manifest.geometry
    axis = _stacked_axis(manifest)
    shape = sizes(geometry.shape_ijk)
    spacing = lengths(geometry.spacing)
    pieces = counted(len(manifest.slabs), manifest.plan.kind)
    warnings = "".join(f"<li>{escape(text)}</li>" for text in card.warnings)
    find = escape(f"{manifest.case} {geometry.orientation} {card.part} {manifest.source.dtype}", quote=True)
    return (
        f'<article class="case{" warned" if warnings else ""}" data-find="{find}" '
        f'data-slices="{geometry.shape_ijk[axis]}" data-spacing="{geometry.spacing[axis]:.6g}" '
        f'data-orientation="{geometry.orientation}">'
        f'<h3>{escape(manifest.case)}</h3><p class="facts"><b>{geometry.orientation}</b>, {shape} voxels of '
        f"{spacing} mm, {escape(_kinds(manifest))}; <b>{pieces}</b> "
        f"{escape(manifest.plan.numbered)}</p>"
        + (f'<ul class="warnings">{warnings}</ul>' if warnings else "")
        + "".join(f'<p class="note">{escape(text)}</p>' for text in card.notes)
        + _planes(card, geometry)
        + legend(manifest)
        + _slab_table(manifest.slabs, manifest.plan.kind)
        + "</article>"
    )


def _kinds(manifest: Manifest) -> str:
    """Return the type of the voxels, of each channel where there are several; the pictures show the first."""
    if not manifest.channels:
        return str(manifest.source.dtype)
    sources = (manifest.source, *(channel.source for channel in manifest.channels))
    listed = (f"{name} {source.dtype}" for name, source in zip(manifest.channel_names, sources, strict=True))
    return f"{len(sources)} channels: {', '.join(listed)} (pictures: {manifest.channel})"


def _stacked_axis(manifest: Manifest) -> int:
    """Return the index axis along which slices are counted: of blocks the one nearest to S."""
    name = manifest.plan.index_axis
    return manifest.geometry.index_axis(2)[0] if name is None else "ijk".index(name)


def _planes(card: CaseCard, geometry: VolumeGeometry) -> str:
    if not card.pictures:
        return '<p class="none">no pictures</p>'
    views = middle_views(geometry)
    extents = [_extent(view, geometry, card.manifest.slabs) for view in views]
    scale = min(_WIDEST / max(e[2] for e in extents), _HIGHEST / max(e[3] for e in extents))
    figures = [
        _figure(view, geometry, card.manifest.slabs, extent, scale, card.pictures[view.name])
        for view, extent in zip(views, extents, strict=True)
        if view.name in card.pictures
    ]
    return f'<div class="planes">{"".join(figures)}</div>'


def _extent(view: View, geometry: VolumeGeometry, slabs: Sequence[SlabRecord]) -> tuple[float, float, float, float]:
    """Return (left, top, width, height) in mm of the picture and of slabs that are padded beyond it."""
    boxes = [rectangle(view, geometry, box) for box in (geometry.box, *(slab.box for slab in slabs))]
    left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
    return left, top, max(b[0] + b[2] for b in boxes) - left, max(b[1] + b[3] for b in boxes) - top


def _figure(
    view: View,
    geometry: VolumeGeometry,
    slabs: Sequence[SlabRecord],
    extent: tuple[float, float, float, float],
    scale: float,
    picture: str,
) -> str:
    left, top, width, height = extent
    letters = "".join(
        f'<span class="letter {side}">{letter}</span>' for side, letter in zip("lrtb", view.letters, strict=True)
    )
    image = (
        f'<img alt="{view.name} middle plane" loading="lazy" src="{picture}" style="left:{-left * scale:.2f}px;'
        f'top:{-top * scale:.2f}px;width:{view.size_mm[0] * scale:.2f}px;height:{view.size_mm[1] * scale:.2f}px">'
    )
    drawn = [slab for slab in slabs if holds_plane(view, slab.box)]
    shapes = [_slab_shape(view, geometry, slab.box, slab.index) for slab in drawn]
    box = " ".join(f"{n:.4f}" for n in extent)
    svg = f'<svg viewBox="{box}" preserveAspectRatio="none">{"".join(shapes)}</svg>'
    field = f'<div class="field" style="width:{width * scale:.2f}px;height:{height * scale:.2f}px">'
    return (
        f'<figure><div class="plane">{field}{image}{svg}{_numbers(view, geometry, drawn, extent, scale)}</div>'
        f"{letters}</div><figcaption>{view.name}, {'ijk'[view.through]} = {view.position}</figcaption></figure>"
    )


def _slab_shape(view: View, geometry: VolumeGeometry, box: Box, index: int) -> str:
    x, y, width, height = rectangle(view, geometry, box)
    colour = stroke(index)
    return f'<rect x="{x:.4f}" y="{y:.4f}" width="{width:.4f}" height="{height:.4f}" stroke="{colour}"/>'


def _numbers(
    view: View,
    geometry: VolumeGeometry,
    slabs: Sequence[SlabRecord],
    extent: tuple[float, float, float, float],
    scale: float,
) -> str:
    """Return the slabs' numbers at their left edges, as many as there is room for."""
    spans = []
    placed: list[tuple[float, float]] = []
    for slab in slabs:
        x, y, _, height = rectangle(view, geometry, slab.box)
        place = ((x - extent[0]) * scale, (y + height / 2 - extent[1]) * scale)
        if any(max(abs(place[0] - x0), abs(place[1] - y0)) < _NUMBER_HEIGHT for x0, y0 in placed):
            continue
        placed.append(place)
        colour = stroke(slab.index)
        spans.append(
            f'<span class="number" style="left:{place[0]:.1f}px;top:{place[1]:.1f}px;color:{colour}">{slab.index}'
            "</span>"
        )
    return "".join(spans)


def _slab_table(slabs: Sequence[SlabRecord], kind: str) -> str:
    rows = "".join(
        f"<tr><td>{slab.index}</td><td>{_range(slab.box)}</td><td>{sizes(slab.box.shape)}</td>"
        f"<td>{_number(slab.statistics.get('min'))}</td><td>{_number(slab.statistics.get('max'))}</td>"
        f"<td>{_number(slab.statistics.get('mean'))}</td><td>{'yes' if slab.verified else 'no'}</td></tr>"
        for slab in slabs
    )
    return (
        f"<details><summary>{_plural(len(slabs), kind)}</summary><table><tr><th>{kind}</th><th>voxels i, j, k</th>"
        "<th>shape</th><th>min</th><th>max</th><th>mean</th><th>verified</th></tr>"
        f"{rows}</table></details>"
    )


def _range(box: Box) -> str:
    return ", ".join(f"{a}:{b}" for a, b in zip(box.start, box.stop, strict=True))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
