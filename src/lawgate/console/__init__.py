"""The control port: health, metrics and, later, the web console and the admin API."""
