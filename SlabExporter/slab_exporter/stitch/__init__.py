"""The way back: slabs or predictions into one volume."""
