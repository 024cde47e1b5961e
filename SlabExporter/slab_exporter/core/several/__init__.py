"""What a manifest says where a case holds several images, or an image several frames."""
