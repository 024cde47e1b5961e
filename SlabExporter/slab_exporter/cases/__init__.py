"""What belongs together: images, label maps, patients."""
