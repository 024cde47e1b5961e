"""Cases: which images, label maps and patients belong together."""
