"""Pieces of a volume that are not slabs of one axis: blocks; and which pieces are worth writing."""
