"""Preflight: judge inputs without writing anything."""
