"""A model, an identity provider and a story, for newcomers."""
