"""What headers of formats that ITK reads state about place and size, and what they leave open."""
