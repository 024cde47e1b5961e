"""What files and DICOM images say of the volumes that a user's scene holds of them."""
