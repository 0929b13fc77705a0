"""Keys that wrap the evidence keys, held outside the key database."""

from lawgate.kms.key_file import KeyFile, create_key_file, load_key_file

__all__ = ["KeyFile", "create_key_file", "load_key_file"]
