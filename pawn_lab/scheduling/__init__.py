"""What gives trials their devices, starts them and follows them."""
