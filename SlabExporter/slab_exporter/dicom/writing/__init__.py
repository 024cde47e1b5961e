"""From a slab to a series of images or a segmentation, and back again to compare."""
