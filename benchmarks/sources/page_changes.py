"""Ways in which a page differs from one visit to the next: those that are news to an engine, and those that are not.

Each changes a tree in place and says whether it found something to change. The changes are made up, but the places are
real: paragraphs that the corpus names as main text, and the navigation, dates, addresses and forms that the page has.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any

from lxml import html

from benchmarks.sources.saved_pages import spaced

Change = Callable[[Any, frozenset[str], Random], bool]
_NAVIGATION = re.compile(r"\b(?:nav|navbar|menu|topbar|masthead|breadcrumbs?|sidebar)\b", re.IGNORECASE)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def word_replaced(tree: Any, main: frozenset[str], chance: Random) -> bool:
    """One word of one paragraph: the smallest change that has a meaning."""
    for paragraph in _paragraphs(tree, main, chance):
        for piece in paragraph.iter():
            words = (piece.text or "").split(" ")
            places = [index for index, word in enumerate(words) if len(word) > 3 and word.isalpha()]
            if isinstance(piece.tag, str) and places:
                words[chance.choice(places)] = "otherwise"
                piece.text = " ".join(words)
                return True
    return False


def sentence_added(tree: Any, main: frozenset[str], chance: Random) -> bool:
    for paragraph in _paragraphs(tree, main, chance):
        last = paragraph[-1] if len(paragraph) else None
        sentence = " From now on the product is never called by its old name."
        if last is None:
            paragraph.text = (paragraph.text or "") + sentence
        else:
            last.tail = (last.tail or "") + sentence
        return True
    return False


def paragraph_added(tree: Any, main: frozenset[str], chance: Random) -> bool:
    for paragraph in _paragraphs(tree, main, chance):
        text = (
            "Write in short sentences and address readers directly. Our tone is friendly, never chatty, and every "
            "term in the glossary keeps its spelling, in headlines too."
        )
        paragraph.addnext(_element("p", text))
        return True
    return False


def paragraph_removed(tree: Any, main: frozenset[str], chance: Random) -> bool:
    for paragraph in _paragraphs(tree, main, chance):
        paragraph.drop_tree()
        return True
    return False


def nonces(tree: Any, main: frozenset[str], chance: Random) -> bool:
    """Scripts, forms, comments and addresses of assets with another random value."""
    value = f"{chance.getrandbits(128):032x}"
    for script in tree.iter("script", "style"):
        script.set("nonce", value)
        script.text = (script.text or "") + f"\n/* {value} */" if script.tag == "script" else script.text
    for place in tree.xpath("//form | //body"):
        place.append(_element("input", "", type="hidden", name="csrf_token", value=value))
    for asset in tree.xpath("//img[@src] | //script[@src]"):
        asset.set("src", asset.get("src") + ("&" if "?" in asset.get("src") else "?") + f"v={value[:8]}")
    tree.body.append(html.HtmlComment(f" served by web-{value[:4]} in {chance.randrange(90)} ms "))
    return True


def dates(tree: Any, main: frozenset[str], chance: Random) -> bool:
    """Every date outside of the main paragraphs, and "updated" under the headline."""
    for time in tree.iter("time"):
        time.text = f"{chance.randrange(1, 23)} hours ago"
    texts = _inside(tree, main)
    for piece in tree.body.iter():
        if (
            isinstance(piece.tag, str)
            and piece.tag not in ("script", "style")
            and piece not in texts
            and piece.text
        ):
            short = len(piece.text) < 40
            piece.text = _YEAR.sub("2031", piece.text) if short and _dated(piece.text) else piece.text
    for headline in tree.xpath("//h1")[:1]:
        headline.addnext(
            _element("p", f"Updated {chance.randrange(2, 50)} minutes ago", {"class": "timestamp"})
        )
    return True


def navigation(tree: Any, main: frozenset[str], chance: Random) -> bool:
    """Other links in each menu of the page, and one more menu."""
    around = {above for piece in _inside(tree, main) for above in piece.iterancestors()}
    for menu in tree.xpath("//nav | //header | //*[@class] | //*[@id]"):
        named = menu.tag in ("nav", "header") or _NAVIGATION.search(f"{menu.get('class')} {menu.get('id')}")
        if not named or menu in around:
            continue
        for link in menu.iter("a"):
            if link.text and chance.random() < 0.5:
                link.text = chance.choice(("Pricing", "Solutions", "Careers", "Events", "Partners"))
    tree.body.insert(0, _links("nav", {"class": "main-nav"}, chance))
    return True


def advertisements(tree: Any, main: frozenset[str], chance: Random) -> bool:
    """Between the paragraphs, too, where they hurt."""
    for place in [*_paragraphs(tree, main, chance)][:2]:
        banner = html.fragment_fromstring(
            f'<div class="ad-slot advertisement" id="ad-{chance.getrandbits(32)}">'
            f'<a href="https://ads.example/{chance.getrandbits(32)}">{chance.choice(("Shoes", "Cars", "Loans"))} '
            f"from {chance.randrange(9, 99)} a month</a></div>"
        )
        place.addnext(banner)
    return True


def related(tree: Any, main: frozenset[str], chance: Random) -> bool:
    tree.body.append(_links("aside", {"class": "related-posts"}, chance, "Related articles"))
    return True


def comments(tree: Any, main: frozenset[str], chance: Random) -> bool:
    box = _element("div", "", {"id": "comments", "class": "comments comment-list"})
    box.append(_element("h3", f"{chance.randrange(3, 99)} comments"))
    for _ in range(3):
        box.append(
            _element(
                "p", f"Number {chance.randrange(999)} says: I could not agree more!", {"class": "comment"}
            )
        )
    tree.body.append(box)
    return True


def footer(tree: Any, main: frozenset[str], chance: Random) -> bool:
    for old in tree.iter("footer"):
        for piece in old.iter():
            piece.text = (
                _YEAR.sub("2031", piece.text) if isinstance(piece.tag, str) and piece.text else piece.text
            )
    foot = _links("footer", {"class": "site-footer"}, chance)
    foot.append(_element("p", f"© {chance.randrange(2020, 2040)} Example Inc. All rights reserved."))
    tree.body.append(foot)
    return True


def cookie_banner(tree: Any, main: frozenset[str], chance: Random) -> bool:
    text = "We use cookies to improve your experience. By continuing you agree to our cookie policy."
    banner = _element("div", "", {"id": "cookie-consent", "class": "cookie-banner", "role": "dialog"})
    banner.append(_element("p", text))
    banner.append(_element("button", "Accept all"))
    tree.body.append(banner)
    return True


def tracking(tree: Any, main: frozenset[str], chance: Random) -> bool:
    for link in tree.xpath("//a[@href]"):
        mark = "&" if "?" in link.get("href") else "?"
        link.set("href", f"{link.get('href')}{mark}utm_source=mail&utm_id={chance.getrandbits(40)}")
    return True


NEWS: tuple[Change, ...] = (word_replaced, sentence_added, paragraph_added, paragraph_removed)
NOISE: tuple[Change, ...] = (
    nonces,
    dates,
    navigation,
    advertisements,
    related,
    comments,
    footer,
    cookie_banner,
    tracking,
)


def _paragraphs(tree: Any, main: frozenset[str], chance: Random) -> list[Any]:
    """The innermost elements whose text is a main paragraph, in some order."""
    found = [
        one
        for one in tree.body.iter("p", "li", "div", "blockquote", "span")
        if spaced(one.text_content()) in main
    ]
    innermost = [
        one for one in found if not any(other is not one and one in other.iterancestors() for other in found)
    ]
    return chance.sample(innermost, len(innermost))


def _inside(tree: Any, main: frozenset[str]) -> set[Any]:
    return {piece for paragraph in _paragraphs(tree, main, Random(0)) for piece in paragraph.iter()}


def _dated(text: str) -> bool:
    return (
        re.search(r"[a-z]{3}|\d[./-]\d", text, re.IGNORECASE) is not None and _YEAR.search(text) is not None
    )


def _links(tag: str, attributes: dict[str, str], chance: Random, head: str = "") -> Any:
    box = _element(tag, "", attributes)
    if head:
        box.append(_element("h3", head))
    entries = _element("ul", "")
    for _ in range(6):
        entry = _element("li", "")
        words = chance.sample(("New", "Prices", "Teams", "Field", "Report", "Inside", "Guide", "Summer"), 3)
        entry.append(_element("a", " ".join(words), href=f"/{chance.getrandbits(24)}"))
        entries.append(entry)
    box.append(entries)
    return box


def _element(tag: str, text: str, attributes: dict[str, str] | None = None, **more: str) -> Any:
    element = html.Element(tag)
    element.text = text or None
    for name, value in {**(attributes or {}), **more}.items():
        element.set(name, value)
    return element
