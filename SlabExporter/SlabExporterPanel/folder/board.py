"""What is known of a folder of cases: its rows and sums, kept up to date by the events of the process."""

from __future__ import annotations

from typing import Any

from slab_exporter.core.text import counted

from ..translation import tr as _
from .rows import CaseRow, planned_row, stepped_row, stopped_row, waiting_row
from .task import FolderTask

MOST_ROWS = 500


class FolderBoard:
    """Takes the events of one look, and of the exports after it.

    Attributes:
        task: what was looked at, and with which options.
        is_run: whether an export of it was begun.
        rows: of the first ``MOST_ROWS`` cases, in order.
        notes: sentences about the inputs or the run as a whole.
        output: state of the output folder, as ``work.output_state`` says it; "none" if none is chosen.
        is_whole: whether all cases have been looked at.
        ending: how the last export, or the look, ended; empty as long as that is open.
        is_good: whether everything that was asked for was done.
        report: path of the report; empty for none.
    """

    def __init__(self, task: FolderTask) -> None:
        self.task, self.is_run = task, False
        self.rows: list[CaseRow] = []
        self.notes: list[str] = []
        self.output, self.summary, self.ending, self.report = "none", "", "", ""
        self.is_whole = self.is_good = False
        self._places: dict[str, int] = {}
        self._hidden: dict[str, CaseRow] = {}
        self._cases = 0
        self._changed: set[int] = set()

    def take(self, event: dict[str, Any]) -> None:
        """Take note of an event."""
        kind = event["event"]
        if kind == "found":
            self._cases, self.summary = event["cases"], event["summary"]
        elif kind == "downloading":
            self.summary = event["message"]
        elif kind == "planned":
            self._set(planned_row(event))
        elif kind == "looked":
            self.is_whole, self.output = True, event["output"]
        elif kind == "begun":
            self._begin(event["cases"])
        elif kind == "finished":
            self._finish(event)
        elif kind == "cancelled":
            self.stop(is_cancelled=True)
        elif kind == "refused":
            self._stop_rows(_("interrupted"))
            self.ending = event["message"]
        else:
            self._step(event)

    def changed(self) -> list[int]:
        """Return the numbers of rows that are new or have changed since this was asked last."""
        changed, self._changed = sorted(self._changed), set()
        return changed

    def stop(self, is_cancelled: bool, reason: str = "") -> None:
        """Take note that the process has ended without a word, or was asked to.

        Args:
            is_cancelled: the user asked for it.
            reason: otherwise, why.
        """
        what = _("Cancelled") if is_cancelled else reason
        if not self.is_run:
            self.ending = f"{what}."
            return
        self._stop_rows(_("cancelled") if is_cancelled else _("interrupted"))
        cases = self._all()
        complete = sum(row.stage == "complete" for row in cases)
        told = (
            _("{what}: {done} of {cases} is complete and stays; 'Resume' goes on with the others.")
            if complete == 1
            else _("{what}: {done} of {cases} are complete and stay; 'Resume' goes on with the others.")
        )
        self.ending = told.format(what=what, done=complete, cases=counted(len(cases), "case"))

    @property
    def usable(self) -> int:
        """Cases that can be exported, as far as headers show."""
        return sum(row.total > 0 for row in self._all())

    @property
    def percent(self) -> int:
        """How much of the export is done, 0 to 100."""
        cases = self._all()
        total = sum(row.total for row in cases)
        return int(100 * sum(row.total if row.is_over else row.done for row in cases) / total) if total else 0

    @property
    def going(self) -> str:
        """How far the export is."""
        over = sum(row.is_over for row in self._all())
        told = _("{done} of {cases} done, {percent} % of the slabs.")
        return told.format(done=over, cases=counted(len(self._all()), "case"), percent=self.percent)

    @property
    def sums(self) -> str:
        """The cases and what would be made of them, in a line or two; of a long list what is not shown."""
        cases = self._all()
        if not cases:
            return self.summary
        pieces = sum(row.total for row in cases)
        piece = next((row.piece for row in cases if row.total), "slab")
        seen = str(len(cases))
        if not self.is_whole and len(cases) != self._cases:
            seen = _("{seen} of {cases}").format(seen=seen, cases=self._cases)
        told = _("{seen} looked at: {usable} can be exported, in {slabs}.")
        told = told.format(seen=seen, usable=self.usable, slabs=counted(pieces, piece))
        return "\n".join((f"{self.summary}. {told}", *self._beyond()))

    def _beyond(self) -> list[str]:
        if not self._hidden:
            return []
        bad = sum(row.is_bad for row in self._hidden.values())
        told = (
            _("The table lists the first {rows} cases; {more} more are treated like them, {bad} of these cannot be "
              "exported or failed.")
            if bad
            else _("The table lists the first {rows} cases; {more} more are treated like them, none of these failed.")
        )  # fmt: skip
        return [told.format(rows=MOST_ROWS, more=len(self._hidden), bad=bad)]

    def _begin(self, names: list[str]) -> None:
        self.ending, self.report, self.is_good, self.is_run, self.output = "", "", False, True, "earlier"
        for name in names:
            self._set(waiting_row(self._row(name)))

    def _step(self, event: dict[str, Any]) -> None:
        name = event["case"]
        if name in self._places or name in self._hidden:
            self._set(stepped_row(self._row(name), event))
        elif event.get("message") and event["message"] not in self.notes:
            self.notes.append(event["message"])

    def _finish(self, event: dict[str, Any]) -> None:
        self._stop_rows(_("interrupted"))
        self.report, problems = event["report"], event["problems"]
        self.is_good = not event["failed"] and not problems
        told = (
            _("{cases}, {slabs}, {verified} verified, {failed} failed (their rows and errors.csv say why) ({time} s).")
            if event["failed"]
            else _("{cases}, {slabs}, {verified} verified ({time} s).")
        )
        cases, slabs = counted(event["cases"], "case"), counted(event["pieces"], event["piece"])
        values = {"verified": event["verified"], "failed": event["failed"], "time": f"{event['seconds']:.1f}"}
        self.ending = "\n".join((told.format(cases=cases, slabs=slabs, **values), *problems))

    def _stop_rows(self, word: str) -> None:
        for row in self._all():
            self._set(stopped_row(row, word))

    def _all(self) -> list[CaseRow]:
        return [*self.rows, *self._hidden.values()]

    def _row(self, name: str) -> CaseRow:
        place = self._places.get(name)
        return self._hidden.get(name, CaseRow(name)) if place is None else self.rows[place]

    def _set(self, row: CaseRow) -> None:
        place = self._places.get(row.case)
        if place is None and len(self.rows) >= MOST_ROWS:
            self._hidden[row.case] = row
            return
        if place is None:
            place = self._places[row.case] = len(self.rows)
            self.rows.append(row)
        elif self.rows[place] == row:
            return
        self.rows[place] = row
        self._changed.add(place)
