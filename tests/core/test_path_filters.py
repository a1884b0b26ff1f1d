from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.path_filters import filters_for, selected


@pytest.mark.parametrize(
    ("pattern", "path", "through"),
    [  # as GitHub's documentation has them
        ("*", "README.md", True),
        ("*", "docs/file.txt", False),
        ("**", "all/the/files.md", True),
        ("*.js", "app.js", True),
        ("*.js", "js/app.js", False),
        ("**.js", "js/app.js", True),
        ("docs/*", "docs/README.md", True),
        ("docs/*", "docs/mona/octocat.txt", False),
        ("docs/**", "docs/mona/octocat.txt", True),
        ("docs/**/*.md", "docs/README.md", True),
        ("docs/**/*.md", "docs/a/markdown/file.md", True),
        ("**/docs/**", "docs/hello.md", True),
        ("**/docs/**", "space/docs/plan/space.doc", True),
        ("**/README.md", "README.md", True),
        ("**/*src/**", "my-src/code/js/app.js", True),
        ("**/*-post.md", "path/their-post.md", True),
        ("*.jsx?", "page.js", True),
        ("*.jsx?", "page.jsx", True),
        ("v[12].[0-9]+.md", "v1.10.md", True),
        ("v[12].md", "v3.md", False),
        ("a.b", "axb", False),
        ("\\*.md", "*.md", True),
        ("\\*.md", "a.md", False),
    ],
)
def test_patterns_mean_what_github_says(pattern: str, path: str, through: bool) -> None:
    assert selected(path, [pattern]) is through


def test_of_several_patterns_the_last_one_counts() -> None:
    patterns = ["docs/**", "!docs/drafts/**", "docs/drafts/kept.md"]
    assert selected("docs/a.md", patterns)
    assert not selected("docs/drafts/a.md", patterns)
    assert selected("docs/drafts/kept.md", patterns)
    assert not selected("other.md", patterns)


def test_filters_are_few() -> None:
    paths = ["l10n/engines/a.yaml", "l10n/engines/b/c.yaml", "TERMS.md", "docs/glossary.md"]
    assert filters_for(paths, ["l10n/engines"]) == ["l10n/engines/**", "TERMS.md", "docs/glossary.md"]
    many = [f"texts/{number}.md" for number in range(9)]
    assert filters_for(many, ["engines"]) == ["texts/**"]
    assert filters_for(["a?b.md"], ["engines"]) == ["a*b.md"]


@given(st.lists(st.text("ab*?[]+!\\./é", min_size=1, max_size=8).filter(lambda path: path[0] != "/")))
def test_filters_let_every_file_through(paths: list[str]) -> None:
    filters = filters_for(paths, ["a"])
    assert [path for path in paths if not selected(path, filters)] == []
