"""``python -m notekin`` is ``notekin``."""

from notekin.cli import main

main()
