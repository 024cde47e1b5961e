"""Named segments that may overlap, as label maps."""
