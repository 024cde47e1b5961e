"""The panel's section Folder, without its window: what is asked for, the process that does it, what is shown of it."""
