"""What the section Stitch shows and says."""
