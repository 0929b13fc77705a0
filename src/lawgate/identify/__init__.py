"""A credential, given keys and now, becomes a principal; pure."""
