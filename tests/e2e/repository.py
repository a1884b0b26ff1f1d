"""A git repository with several projects, and the command run at its root."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.far_ends import Project

ENGINE = "name: {}\nlocales: [de]\n"


class Repository(Project):
    """Its root holds no project unless one is made there."""

    def __init__(self, root: Path, url: str | None = None) -> None:
        super().__init__(root, url)
        self.git("init", "--quiet", "--initial-branch=main")

    def file(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def project(self, folder: str, *engines: str, settings: str = "concurrency: 4\n") -> None:
        self.file(f"{folder}/reconcile.yaml", settings)
        for key in engines or ("acme",):
            self.file(f"{folder}/engines/{key}.yaml", ENGINE.format(key))

    def within(self, folder: str) -> Project:
        """The command run in one project, with the same platform."""
        return Project(self.root / folder, self.url)

    def listed(self, *arguments: str, code: int = 0) -> dict[str, list[str] | None]:
        """The projects, and which changed paths touch them."""
        document = self.run("projects", "--format", "json", *arguments).ended(code).json
        assert document["exitCode"] == code
        return {one["project"]: one.get("changed") for one in document["projects"]}
