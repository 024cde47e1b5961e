"""What needs neither files nor Slicer: standard library and numpy only."""
