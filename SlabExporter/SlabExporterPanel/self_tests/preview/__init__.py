"""The self-test's cases on what is shown and dragged before anything is written."""
