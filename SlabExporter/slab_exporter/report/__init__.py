"""What people and training code look at: data list, tables, pictures, the page."""
