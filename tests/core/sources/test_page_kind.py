"""Pages and walls before them."""

from __future__ import annotations

import pytest

from reconciler.core.sources.look import PageKind
from reconciler.core.sources.page_kind import PageFacts, kind_of, leads_to_front_page, leads_to_login

LONG = "A sentence about tone and terms that an engine can learn from. " * 20


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (PageFacts(LONG, "Style guide"), PageKind.TEXT),
        (PageFacts(LONG, "How to handle 404 pages"), PageKind.TEXT),
        (PageFacts(LONG, "Log in", password_fields=1), PageKind.TEXT),  # a form in the header of an article
        (PageFacts(LONG + "Just a moment", "Guide", parts="cf-turnstile"), PageKind.TEXT),
        (PageFacts("Please sign in to read on.", "Sign in", password_fields=1), PageKind.LOGIN),
        (PageFacts("", "Just a moment...", scripts=3), PageKind.CHALLENGE),
        (PageFacts("Verify you are human", "acme.com"), PageKind.CHALLENGE),
        (PageFacts("", "acme.com", parts='<div class="g-recaptcha">'), PageKind.CHALLENGE),
        (PageFacts("Sorry. Try our search.", "Page not found | Acme"), PageKind.NOT_FOUND),
        (PageFacts("Sorry.", "Acme", "This page doesn't exist"), PageKind.NOT_FOUND),
        (PageFacts("Sorry.", "Acme", "Seite nicht gefunden"), PageKind.NOT_FOUND),
        (
            PageFacts("", "App", noscript="You need to enable JavaScript to run this app.", scripts=1),
            PageKind.SCRIPT,
        ),
        (PageFacts("", "App", scripts=4, visible=12), PageKind.SCRIPT),
        (PageFacts("", "Shop", scripts=4, visible=5000), PageKind.NEARLY_EMPTY),
        (PageFacts("Coming soon.", "Acme"), PageKind.NEARLY_EMPTY),
        (PageFacts(), PageKind.NEARLY_EMPTY),
    ],
)
def test_kinds(facts: PageFacts, kind: PageKind) -> None:
    assert kind_of(facts) is kind


@pytest.mark.parametrize(
    ("url", "final", "login"),
    [
        ("https://a.com/guide", "https://a.com/login?next=/guide", True),
        ("https://a.com/guide", "https://a.com/users/sign_in", True),
        ("https://a.com/guide", "https://login.a.com/", True),
        ("https://a.com/guide", "https://a.com/wp-login.php", True),
        ("https://a.com/guide", "https://idp.corp.com/saml2?x", True),
        ("https://a.com/guide", "https://a.com/blogging/login-design", False),
        ("https://a.com/guide", "https://a.com/brand/identity", False),
        ("https://a.com/guide", "https://id.a.com/guide", False),
        ("https://a.com/guide", "https://a.com/guide/", False),
        ("https://a.com/guide", "https://a.com/author/ann", False),
        ("https://a.com/login", "https://a.com/login/", False),
    ],
)
def test_ways_to_a_login(url: str, final: str, login: bool) -> None:
    assert leads_to_login(url, final) is login


@pytest.mark.parametrize(
    ("url", "final", "front"),
    [
        ("https://a.com/old/guide", "https://a.com/", True),
        ("https://a.com/old", "https://www.a.com", True),
        ("https://a.com/old?x=1", "https://a.com/?from=old", True),
        ("https://a.com/de/old", "https://a.com/de/", True),
        ("https://a.com/old", "https://a.com/en-us/index.html", True),
        ("https://a.com/home/old", "https://a.com/home", True),
        ("https://a.com", "https://a.com/", False),
        ("https://a.com/index.html", "https://a.com/", False),
        ("https://a.com/de", "https://a.com/", False),
        ("https://a.com/", "https://a.com/en/", False),
        ("https://a.com/docs", "https://docs.a.com/", False),
        ("https://a.com/old", "https://a.com/new", False),
        ("https://a.com/products/ai", "https://a.com/ai/", False),
        ("https://a.com/wiki/Guide", "https://a.com/index.php?title=Guide", False),
        ("https://a.com/old", "https://b.com/", False),
    ],
)
def test_ways_to_a_front_page(url: str, final: str, front: bool) -> None:
    assert leads_to_front_page(url, final) is front
