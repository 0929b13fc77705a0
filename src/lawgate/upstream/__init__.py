"""The only way out to an inference endpoint."""
