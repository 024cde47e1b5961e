"""What is dragged and typed in the views and in the table of slabs."""
