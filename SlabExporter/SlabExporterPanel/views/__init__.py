"""What the panel shows, decided without a window."""
