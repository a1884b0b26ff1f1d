"""The checks of `reconcile doctor`."""
