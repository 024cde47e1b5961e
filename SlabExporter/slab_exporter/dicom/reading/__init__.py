"""From the files of a series to a volume, or to the reason why there is none."""
