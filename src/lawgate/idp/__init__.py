"""The identity providers, from outside: where their keys are, and fetching them."""
