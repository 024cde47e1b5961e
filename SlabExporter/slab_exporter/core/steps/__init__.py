"""Steps that make a volume ready before it is cut: orientation, and what the manifest says of it."""
