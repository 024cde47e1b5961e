"""One case from plan to manifest: ROI, crop, write, verify."""
