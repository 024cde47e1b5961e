"""Files that ITK reads: its reader, and what headers tell before it loads them."""
