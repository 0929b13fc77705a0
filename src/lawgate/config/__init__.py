"""One YAML file, checked whole, becomes one frozen configuration.

`load.load_config` for programs, `load.check` for people, `schema.config_schema` for editors.
"""
