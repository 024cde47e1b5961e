"""Volume files that are written: one file an encoding, and the table of all of them."""
