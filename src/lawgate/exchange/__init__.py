"""The journey of one request and its answer, without input or output."""
