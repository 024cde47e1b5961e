"""Several volumes in one file, as a stack of frames."""
