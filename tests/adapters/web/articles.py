"""Pages as content systems make them: five layouts around an article, with everything around it that changes."""

from __future__ import annotations

from random import Random

_SUBJECTS = (
    "The brand name",
    "Every headline",
    "Our product",
    "A button",
    "The legal notice",
    "Each error message",
)
_VERBS = ("is written", "is translated", "appears", "stays", "gets checked", "is spelled")
_WAYS = (
    "in lower case letters",
    "without an article in German",
    "with a hyphen in French",
    "as in the glossary",
    "exactly as registered",
    "in the formal register",
    "with a narrow space before it",
)
_REASONS = (
    "because readers know it from the packaging",
    "since the trademark office registered it so",
    "unless the sentence begins with it",
    "as long as the meaning stays clear to newcomers",
    "and editors decide in case of doubt",
)


def sentences(chance: Random, count: int) -> str:
    return " ".join(
        f"{chance.choice(_SUBJECTS)} {chance.choice(_VERBS)} {chance.choice(_WAYS)} {chance.choice(_REASONS)}."
        for _ in range(count)
    )


def paragraphs(seed: str, count: int = 5) -> list[str]:
    chance = Random(seed)
    return [sentences(chance, chance.randrange(2, 5)) for _ in range(count)]


def page(
    seed: str,
    body: list[str] | None = None,
    *,
    nonce: str = "n0",
    navigation: str = "Products",
    date: str = "March 12, 2024",
    banner: str = "",
    link: str = "/more",
    charset: str = "utf-8",
) -> str:
    """`seed` gives the layout and, unless there is a `body`, the text."""
    texts = paragraphs(seed) if body is None else body
    title = f"Style guide {seed}"
    article = f"<h1>{title}</h1>\n" + "\n".join(f"<p>{text}</p>" for text in texts)
    article += f'\n<p>Read the <a href="{link}">complete rules for all writers</a> before you begin.</p>'
    layout = _LAYOUTS[Random(f"layout {seed}").randrange(len(_LAYOUTS))]
    menu = "".join(
        f'<li><a href="/{word}">{word}</a></li>' for word in (navigation, "Pricing", "Blog", "Login")
    )
    return layout.format(
        title=title,
        article=article,
        menu=menu,
        nonce=nonce,
        date=date,
        banner=banner,
        charset=charset,
        year=date[-4:],
    )


_HEAD = (
    '<!doctype html>\n<html lang="en"><head><meta charset="{charset}"><title>{title}</title>'
    '<meta name="csrf-token" content="{nonce}"><script nonce="{nonce}">window.request = "{nonce}";</script></head>'
)
_FOOT = "<footer><p>© {year} Acme Inc. All rights reserved.</p></footer><!-- {nonce} --></body></html>"
_LAYOUTS = (
    _HEAD
    + '<body><nav><ul>{menu}</ul></nav><main><article>{article}</article></main>{banner}<p class="date">'
    "Last updated: {date}</p>" + _FOOT,
    _HEAD
    + '<body class="r-{nonce}"><header><div class="menu"><ul>{menu}</ul></div></header><div id="content">'
    '<time datetime="{date}">{date}</time>{article}</div>{banner}' + _FOOT,
    _HEAD
    + '<body><div class="sidebar nav"><ul>{menu}</ul></div><div class="post-content entry">{article}</div>'
    '<div class="meta">Published on {date}</div>{banner}' + _FOOT,
    _HEAD
    + '<body><table><tr><td class="nav"><ul>{menu}</ul></td><td class="article">{article}</td></tr></table>'
    '{banner}<form><input type="hidden" name="t" value="{nonce}"></form>' + _FOOT,
    _HEAD
    + '<body><nav class="docs-nav"><ul>{menu}</ul></nav><section role="main">{article}<p>Updated {date}</p>'
    "</section>{banner}" + _FOOT,
)
