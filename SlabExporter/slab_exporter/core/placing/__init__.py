"""Where a label map lies on an image's lattice, and why one does not."""
