"""What happens after a model is released."""
