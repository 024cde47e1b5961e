"""A process beside Slicer that looks at a folder of cases or exports it, followed by Qt's events."""

import qt
from slicer.i18n import tr as _

# The process itself gives up ten seconds after it was asked to stop.
_PATIENCE_MS = 15000


class FolderRunner:
    """Runs one task; Slicer goes on meanwhile.

    :param task: SlabExporterPanel.folder.task.FolderTask.
    :param onEvents: called with a list of events, as they come.
    :param onEnd: called once at the end with a sentence, which is empty after an orderly one.
    """

    _alive = set()  # a process outlives whoever started it

    def __init__(self, task, onEvents, onEnd):
        from ...folder.lines import EventLines
        from ...folder.process import command, line_of

        self._lines, self._onEvents, self._onEnd = EventLines(), onEvents, onEnd
        self._process = process = qt.QProcess()
        process.connect("readyReadStandardOutput()", self._read)
        process.connect("finished(int,QProcess::ExitStatus)", self._finished)
        process.connect("errorOccurred(QProcess::ProcessError)", self._failed)
        FolderRunner._alive.add(self)
        program, *arguments = command()
        process.start(program, arguments)
        process.write(qt.QByteArray(line_of(task)))

    @property
    def processId(self):
        """Return the number of the process; of its launcher where there is one."""
        return self._process.processId()

    def stop(self):
        """Ask the process to stop: cases that are complete stay. Events go on coming until its end."""
        self._process.closeWriteChannel()
        qt.QTimer.singleShot(_PATIENCE_MS, self._kill)

    def drop(self):
        """Stop, and hear no more of it."""
        self._onEvents = self._onEnd = lambda told: None
        self.stop()

    def end(self, milliseconds=5000):
        """Stop, and wait for the end: Slicer closes."""
        self.drop()
        if not self._process.waitForFinished(milliseconds):
            self._kill()

    def _read(self):
        events = self._lines.take(self._process.readAllStandardOutput().data())
        if events:
            self._onEvents(events)

    def _finished(self, code, status):
        self._read()
        said = self._process.readAllStandardError().data().decode(errors="replace").strip().splitlines()
        isOrderly = status == qt.QProcess.NormalExit
        how = _("The process ended with code {code}").format(code=code) if isOrderly else _("The process has crashed")
        self._over(how + (f" ({said[-1]})" if said else ""))

    def _failed(self, error):
        if error == qt.QProcess.FailedToStart:  # otherwise "finished" comes too
            self._over(_("The process could not be started: {why}").format(why=self._process.errorString()))

    def _over(self, sentence):
        # Not now: this is called by the process, which must not be deleted before it has returned from that,
        # and which may not even have returned from being started.
        qt.QTimer.singleShot(0, lambda: self._tellEnd(sentence))

    def _tellEnd(self, sentence):
        FolderRunner._alive.discard(self)
        self._onEnd(sentence)

    def _kill(self):
        if self._process.state() != qt.QProcess.NotRunning:
            self._process.kill()
