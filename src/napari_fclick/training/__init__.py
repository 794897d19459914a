"""Training: folders of images and labels -> weights."""
