"""Images of one patient on one grid, which are cut as the channels of one case."""
