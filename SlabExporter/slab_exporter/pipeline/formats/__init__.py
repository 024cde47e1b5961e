"""The formats of slabs: one file a kind of slab, and the table of all of them."""
