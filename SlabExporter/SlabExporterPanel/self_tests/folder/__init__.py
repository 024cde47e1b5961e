"""The self-test's cases on the section Folder, and how they drive it."""
