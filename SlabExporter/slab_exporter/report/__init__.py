"""Files for people and for training code: data list, tables, pictures, the report page."""
