"""What the command line, the console and the admin API share."""
