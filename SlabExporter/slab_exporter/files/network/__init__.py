"""Files at addresses of the network."""
