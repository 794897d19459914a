"""Fine-tuning: a lab's own images and labels -> weights, and a gate for the better ones alone."""
