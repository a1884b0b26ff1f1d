"""What kind of page came: something to read, or a wall before it.

A page that asks to sign in, a check for robots, an empty shell and "not found" with status 200 all answer as if they
were the page. Taken for it, they would make every engine stale that learned from the page, and fresh ones thin.
"""

from __future__ import annotations

import re

from reconciler.core.frozen import dataclass
from reconciler.core.patterns import lazy_pattern
from reconciler.core.sources.look import PageKind
from reconciler.core.sources.main_text import word_count

NEARLY_EMPTY = 20  # words of main text; fewer teach nothing
_SHORT = 150  # words up to which a wall may be long

_LOGIN_PATH = lazy_pattern(  # whole segments: a page about brand identity or the design of a login is a page
    r"/(?:log[-_]?in|sign[-_]?in|log[-_]?on|sso|saml2?|oauth2?|openid|auth|authenticate|authorize|wp-login|"
    r"session/new|account/login)(?:\.[a-z]{2,5})?(?:/|$)",
    re.IGNORECASE,
)
_LOGIN_HOST = lazy_pattern(r"^(?:login|signin|sso|auth|accounts?|idp)\.", re.IGNORECASE)
_FRONT_PAGE = lazy_pattern(  # of a site, or of its part in one language
    r"/?(?:[a-z]{2}(?:[-_][a-z]{2,4})?/?)?(?:(?:index|home|default|main)(?:\.[a-z]{2,5})?/?)?", re.IGNORECASE
)
_CHALLENGE = lazy_pattern(
    r"just a moment\W|checking (?:if the site connection is secure|your browser)|attention required! \| cloudflare|"
    r"verify (?:that )?you are (?:a )?human|are you a robot|enable javascript and cookies to continue|"
    r"access to this page has been denied|unusual traffic|ddos protection by",
    re.IGNORECASE,
)
_CHALLENGE_PARTS = lazy_pattern(
    r"cf-chl-|cdn-cgi/challenge-platform|_Incapsula_Resource|px-captcha|g-recaptcha|h-captcha|cf-turnstile|"
    r"captcha-delivery\.com|awswaf",
    re.IGNORECASE,
)
_NOT_FOUND = lazy_pattern(
    r"\b404\b|(?:page|site|document|article) (?:was |is |could |can ?)?(?:not|n[o’']t)(?: be)? (?:found|available)|"
    r"not found\b|page (?:doesn[’']t|does not|no longer) exist|no longer (?:available|exists)|"
    r"seite (?:wurde )?nicht gefunden|page introuvable|página no encontrada|pagina non trovata|"
    r"ページが見つかりません|页面不存在|страница не найдена",
    re.IGNORECASE,
)
_NEEDS_SCRIPT = lazy_pattern(
    r"(?:enable|requires?|activate|need(?: to enable)?|without|turn on)\W+(?:\w+\W+){0,3}javascript|"
    r"javascript (?:is )?(?:required|disabled)|javascript aktivieren",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What the markup says beside the main text. `visible` is the length of all text that a browser would show."""

    text: str = ""
    title: str = ""
    headline: str = ""  # the first `h1`
    noscript: str = ""
    visible: int = 0
    scripts: int = 0
    password_fields: int = 0
    parts: str = ""  # the beginning of the markup, for names that give a check for robots away


def kind_of(facts: PageFacts) -> PageKind:
    """Judged by the page alone; see also `leads_to_login` and `leads_to_front_page`."""
    words = word_count(facts.text[:20_000])
    short = words < _SHORT
    if short and (_CHALLENGE.search(f"{facts.title}\n{facts.text[:2000]}") or _is_captcha(facts, words)):
        return PageKind.CHALLENGE
    if facts.password_fields and short:
        return PageKind.LOGIN
    if short and (_NOT_FOUND.search(facts.title) or _NOT_FOUND.search(facts.headline)):
        return PageKind.NOT_FOUND
    if words >= NEARLY_EMPTY:
        return PageKind.TEXT
    if facts.scripts and (
        _NEEDS_SCRIPT.search(f"{facts.noscript[:500]}\n{facts.text}") or facts.visible < 200
    ):
        return PageKind.SCRIPT
    return PageKind.NEARLY_EMPTY


def leads_to_login(url: str, final_url: str) -> bool:
    """Whether the way from one address to another ends at a sign-in page, and did not begin at one."""
    return _is_login(final_url) and not _is_login(url)


def leads_to_front_page(url: str, final_url: str) -> bool:
    """Whether a page within a site leads to that site's front page, as sites do with what they took down."""
    (host, path), (final_host, final_path) = _place(url), _place(final_url)
    if host.removeprefix("www.") != final_host.removeprefix("www."):
        return False
    name = _last(final_path)
    if name and (name == _last(path) or ("." in name and "?" in final_url)):
        return False  # it moved up, such as /products/ai to /ai; or a script shows it, such as /index.php?title=Guide
    return _FRONT_PAGE.fullmatch(final_path) is not None and _FRONT_PAGE.fullmatch(path) is None


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2].lower()


def _is_captcha(facts: PageFacts, words: int) -> bool:
    return words < NEARLY_EMPTY and _CHALLENGE_PARTS.search(facts.parts) is not None


def _is_login(url: str) -> bool:
    host, path = _place(url)
    return bool(_LOGIN_PATH.search(path) or _LOGIN_HOST.search(host))


def _place(url: str) -> tuple[str, str]:
    rest = url.partition("://")[2]
    host, slash, path = rest.partition("/")
    return host.rpartition("@")[2], slash + path.partition("?")[0].partition("#")[0]
