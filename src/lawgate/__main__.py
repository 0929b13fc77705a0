"""``python -m lawgate`` is the command ``lawgate``."""

from lawgate.cli.app import main

if __name__ == "__main__":
    main()
