"""Who we say we are: the name that robots.txt can address, the version, and where to read about it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, metadata

from reconciler import __version__


def user_agent() -> str:
    """Such as `reconcile/1.0 (+https://github.com/acme/reconcile; checks whether linked pages changed)`."""
    return f"reconcile/{__version__} (+{_home()}; checks whether linked pages changed)"


def _home() -> str:
    """The address that the package names; its own name where it is not installed as a package."""
    try:
        addresses = metadata("lingo-reconcile").get_all("Project-URL") or []
    except PackageNotFoundError:
        addresses = []
    homes = (url for label, _, url in (entry.partition(", ") for entry in addresses) if label == "Homepage")
    return next(homes, "lingo-reconcile")
