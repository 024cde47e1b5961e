"""The panel's section Folder: its widgets, the process that works for it, and the question when Slicer is closed."""
