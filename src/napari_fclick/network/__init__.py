"""FCA-Net and the files its weights live in."""
