"""What is shown of the slabs before anything is written, and how a user changes them there; no Qt."""
