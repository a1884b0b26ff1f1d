"""`python -m reconciler` is `reconcile`."""

from reconciler.cli.start import entry

if __name__ == "__main__":
    entry()
