"""Open and write whole volumes of any kind."""
