"""From images to cases with channels: images that belong to one patient become one case."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...core.errors import InputError, RequestError, SlabExporterError
from ...core.naming import volume_stem
from ...core.text import Option, counted
from ...volumes.choice import frames_of
from ..lists import ListedCase
from .asked import AUTO, FOUR_D, Pattern, Place, channel_patterns
from .channel import Channel

Warn = Callable[[str], object] | None

# Kinds of MR images by the names of BraTS (2012 to 2025) and of the Decathlon, in the order of their channels.
_BRATS = ("t1", "t1n", "t1w", "t1c", "t1ce", "t1gd", "t2", "t2w", "t2f", "flair")
_NAMES = (
    re.compile(r"(?P<case>.+)_(?P<channel>\d{4})", re.DOTALL),  # nnU-Net
    re.compile(rf"(?:(?P<case>.+)[-_])?(?P<channel>{'|'.join(_BRATS)})", re.IGNORECASE | re.DOTALL),
)


@dataclass(frozen=True)
class _Member:
    """An image that is a channel of a case: the case, by a key, and the channel's name."""

    entry: ListedCase
    place: Place
    channel: str


def with_channels(
    images: Sequence[ListedCase], labels: Sequence[Path], asked: Sequence[str], warn: Warn = None
) -> tuple[list[ListedCase], list[Path]]:
    """Return (the cases, the label maps that no channel is made of).

    Cases to which a list gives channels stay as they are.

    Args:
        images: as they were found.
        labels: label maps by their names, which may be meant as channels.
        asked: "auto", "4d", or one NAME=PATTERN per channel.
        warn: called with a sentence where images are left out.

    Raises:
        RequestError: the wish cannot be understood, or fits no image.
    """
    way, patterns = channel_patterns(asked)
    if way == "none":
        return list(images), list(labels)
    if way == FOUR_D:
        return _from_frames(images, warn), list(labels)
    listed = [entry for entry in images if entry.channel]
    free = [entry for entry in images if not entry.channel]
    if way == AUTO:
        members, order = _by_known_names(free)
        others = [entry for entry in free if id(entry) not in {id(member.entry) for member in members}]
        return [*listed, *_cases(members, order), *others], list(labels)
    members = _by_patterns([*free, *map(ListedCase, labels)], patterns)
    _tell_left_out([entry for entry in free if all(member.entry is not entry for member in members)], warn)
    used = {member.entry.image for member in members}
    one_order = {pattern.channel: n for n, pattern in enumerate(patterns)}
    return [*listed, *_cases(members, [one_order])], [path for path in labels if path not in used]


def _by_patterns(entries: Sequence[ListedCase], patterns: Sequence[Pattern]) -> list[_Member]:
    members = []
    for entry in entries:
        found = [(pattern, place) for pattern in patterns if (place := pattern.place(entry.image)) is not None]
        if len(found) > 1:
            raise RequestError(
                f"{entry.image} fits the patterns of the channels {found[0][0].channel} and {found[1][0].channel}; "
                "each image must fit one."
            )
        members += [_Member(entry, place, pattern.channel) for pattern, place in found]
    if not members:
        raise RequestError(
            f"None of {counted(len(entries), 'image')} fits a pattern of a channel (first: {entries[0].image}, pattern "
            f"'{patterns[0].text}'); a pattern is the end of a path, with {{case}}, * and ?."
        )
    return members


def _tell_left_out(entries: list[ListedCase], warn: Warn) -> None:
    if entries and warn is not None:
        is_left = "fits no pattern of a channel and is" if len(entries) == 1 else "fit no pattern of a channel and are"
        warn(f"{counted(len(entries), 'image')} {is_left} left out (first: {entries[0].image}).")


def _by_known_names(entries: Sequence[ListedCase]) -> tuple[list[_Member], list[dict[str, int]]]:
    """Images named as nnU-Net or BraTS name channels, where some case has several; (members, order per convention)."""
    members: list[_Member] = []
    orders = []
    for names in _NAMES:
        found = [member for entry in entries if (member := _known(entry, names)) is not None]
        sizes: dict[Place, int] = {}
        for member in found:
            sizes[member.place] = sizes.get(member.place, 0) + 1
        if max(sizes.values(), default=0) < 2:
            continue
        channels = {member.channel for member in found}
        ordered = [name for name in _BRATS if name in channels] or sorted(channels)
        orders.append({name: n for n, name in enumerate(ordered)})
        members += found
    if not members:
        raise RequestError(
            Option.to("channels", "auto"),
            " finds no channels: no two images are named like NAME_0000 and NAME_0001 (nnU-Net) or NAME_t1 and "
            "NAME_flair (BraTS). Name them with ",
            Option.to("channels", "NAME=PATTERN"),
            ", one for each channel.",
        )
    return members, orders


def _known(entry: ListedCase, names: re.Pattern[str]) -> _Member | None:
    match = None if entry.series is not None else names.fullmatch(volume_stem(entry.image))
    if match is None:
        return None
    case, folder = match["case"] or "", entry.image.parent
    place = Place(str(folder), (case,), case.strip("-_. ") or folder.name)
    return _Member(entry, place, match["channel"].lower())


def _cases(members: Sequence[_Member], orders: Sequence[dict[str, int]]) -> list[ListedCase]:
    by_place: dict[Place, list[_Member]] = {}
    for member in members:
        by_place.setdefault(member.place, []).append(member)
    return [_case(place, found, orders) for place, found in by_place.items()]


def _case(place: Place, members: Sequence[_Member], orders: Sequence[dict[str, int]]) -> ListedCase:
    order = next(order for order in orders if members[0].channel in order)
    ordered = sorted(members, key=lambda member: order[member.channel])
    first = ordered[0]
    images = {member.channel: Channel(member.entry.image, member.entry.series) for member in reversed(ordered)}
    return replace(
        first.entry,
        channel=first.channel,
        channels={name: images[name] for name in order if name in images and name != first.channel},
        named_by=Path(place.folder, f"{place.name}.nii"),
        problem=next((m.entry.problem for m in ordered if m.entry.problem), None)
        or _not_one_each(place, ordered, order),
    )


def _not_one_each(place: Place, members: Sequence[_Member], order: dict[str, int]) -> str | None:
    """Return a sentence where a channel is missing, or there are several images of one."""
    for name in order:
        found = [member.entry.image for member in members if member.channel == name]
        if not found:
            held = ", ".join(sorted({member.channel for member in members}, key=order.__getitem__))
            return f"{place.name} in {place.folder or '.'} has no image of the channel '{name}' (it has: {held})."
        if len(found) > 1:
            return f"{place.name} has {len(found)} images of the channel '{name}': {found[0]} and {found[1]}."
    return None


def _from_frames(entries: Sequence[ListedCase], warn: Warn) -> list[ListedCase]:
    """The volumes of each 4D file as its channels; files of one volume stay as they are."""
    result, counts = [], {}
    for entry in entries:
        count = 1 if entry.channel or entry.problem else _frames(entry)
        if count < 2:
            result.append(entry)
            continue
        counts[entry.image] = count
        names = [f"{n:04d}" for n in range(count)]
        channels = {name: Channel(entry.image, entry.series, n) for n, name in enumerate(names) if n}
        result.append(replace(entry, channel=names[0], channels=channels, frame=0))
    if not counts:
        raise RequestError(Option.to("channels", "4d"), f" finds no 4D file among {counted(len(entries), 'image')}.")
    if warn is not None and (len(counts) < len(entries) or len(set(counts.values())) > 1):
        one, other = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
        held = f"{one} has {counts[one]} volumes, {other} {counts[other]}"
        alone = f"{len(entries) - len(counts)} of {len(entries)} images are not 4D"
        warn(f"Not all cases have the same channels: {held if counts[one] != counts[other] else alone}.")
    return result


def _frames(entry: ListedCase) -> int:
    """Volumes of a file by its header; 1 where it cannot be read, which is said when it is exported."""
    try:
        return 1 if entry.series is not None else frames_of(entry.image)
    except (SlabExporterError, OSError, InputError):
        return 1
