"""Make the volumes of a case ready before they are cut, and lead results back to the source's grid."""
