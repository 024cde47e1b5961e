"""What several tests need: phantoms, scenes, programs with a second opinion."""
