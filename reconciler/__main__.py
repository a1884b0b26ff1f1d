"""`python -m reconciler` is `reconcile`."""

from reconciler.cli.main import entry

if __name__ == "__main__":
    entry()
