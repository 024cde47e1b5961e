"""Tests that run inside Slicer."""
