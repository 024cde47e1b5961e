"""Widgets: the only files that know Qt."""
