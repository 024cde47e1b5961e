"""View model of the section Folder: which of its buttons can be pressed, and what stands beside them; no Qt."""

from __future__ import annotations

import re
from dataclasses import dataclass

from slab_exporter.core.errors import SlabExporterError

from ..settings import PanelSettings
from ..translation import tr as _
from ..views.action import Action
from ..views.words import in_panel_words
from .board import FolderBoard
from .task import FolderTask, FolderTexts, folder_task, options_line

START_TIP = _("Export every case of the table, each verified; Slicer can be used meanwhile.")
RESUME_TIP = _("Go on with the export in the output folder: complete cases stay, the others are made.")

_HOLDS_EXPORT = _("The output folder holds an earlier export: 'Resume' goes on with it. Or choose another folder.")
_HOLDS_NONE = _("There is nothing to go on with: the output folder holds no export.")


@dataclass(frozen=True)
class FolderView:
    """Contents of the section beside the table.

    Attributes:
        start, resume: the buttons.
        task: what would be done; None if that is not clear.
        options: which options will be used; empty without a task.
        status: the line above the buttons: what is missing, how it goes, or how it ended.
        looks: whether the folder has to be looked at by itself, for the first time or since something has changed.
    """

    start: Action
    resume: Action
    task: FolderTask | None = None
    options: str = ""
    status: str = ""
    looks: bool = False


def folder_view(texts: FolderTexts, settings: PanelSettings, board: FolderBoard | None, is_busy: bool) -> FolderView:
    """Return what to show.

    Args:
        texts: as the user has them.
        settings: of the panel.
        board: what is known of a folder, maybe with other options; None if none was looked at.
        is_busy: an export is under way.
    """
    try:
        task = folder_task(texts, settings)
    except SlabExporterError as error:
        reason = in_panel_words(error.sentence)
        return FolderView(Action(False, reason), Action(False, reason), status=reason)
    if is_busy and board is not None:
        off = Action(False, _("An export of a folder is under way."))
        return FolderView(off, off, task, options_line(board.task), board.going)
    if board is not None and not _is_kept(board, task):
        board = None
    start, resume = _actions(task, board)
    status = "" if board is None else board.ending
    return FolderView(start, resume, task, options_line(task), status or _missing(start, resume), board is None)


def _is_kept(board: FolderBoard, task: FolderTask) -> bool:
    """Whether a table is still shown: after an export also when options are changed, for the next volume maybe."""
    seen = board.task
    same_place = (seen.inputs, seen.labels, seen.out) == (task.inputs, task.labels, task.out)
    return seen == task or (board.is_run and same_place)


def _missing(start: Action, resume: Action) -> str:
    if start.enabled:
        return ""
    return resume.tooltip if resume.enabled else start.tooltip


def _actions(task: FolderTask, board: FolderBoard | None) -> tuple[Action, Action]:
    reason = _why_neither(task, board)
    if reason or board is None:
        return Action(False, reason), Action(False, reason)
    if board.output == "earlier":
        return Action(False, _HOLDS_EXPORT), Action(True, RESUME_TIP)
    return Action(True, START_TIP), Action(False, _HOLDS_NONE)


def _why_neither(task: FolderTask, board: FolderBoard | None) -> str:
    if board is None or not board.is_whole:
        return (board.ending if board else "") or _("The folder is being looked at …")
    if board.task != task:
        return _("The options have changed since this table was made; press 'Look again'.")
    if task.out is None:
        return _("Choose the folder to write to.")
    if not board.usable:
        return _("None of the cases can be exported; their rows say why.")
    return _UNFIT.get(board.output, "").format(out=task.out)


_UNFIT = {
    "other": _("The output folder {out} holds something else than an export; choose another one."),
    "locked": _("You are not allowed to write to the folder {out}; choose another one."),
}


def breakable(text: str) -> str:
    """Return a text whose paths can be broken into lines, so that a long one makes the panel no wider.

    >>> len(breakable("/data/ct_1.nii.gz, read")) - len("/data/ct_1.nii.gz, read")
    5
    """
    return re.sub(r"([/\\_.](?=\S))", "\\1\u200b", text)
