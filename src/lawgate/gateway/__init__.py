"""The data plane: accept, drive the exchange, refuse."""
