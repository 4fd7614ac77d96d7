"""What workflows do outside, over real servers."""
