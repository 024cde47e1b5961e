"""Stitch slabs or predictions back into one volume."""
