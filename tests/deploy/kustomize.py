"""What kustomize makes of deploy/kubernetes: the few fields that stand there, as its documentation describes them. A
field that is not read here is an error, so that none goes unchecked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

# In the place of the digest that ends the name of a generated ConfigMap.
DIGEST = "0123456789"


def read(file: Path) -> Any:
    return YAML(typ="safe").load(file.read_text(encoding="utf-8"))


def build(folder: Path) -> dict[str, Any]:
    """The documents, by kind."""
    said = read(folder / "kustomization.yaml")
    assert said.pop("apiVersion") == "kustomize.config.k8s.io/v1beta1"
    assert said.pop("kind") == "Kustomization"
    maps = [_config_map(folder, **one) for one in said.pop("configMapGenerator")]
    documents = [*maps, *(read(folder / name) for name in said.pop("resources"))]
    namespace, images = said.pop("namespace"), said.pop("images")
    assert said == {}, f"not read: {sorted(said)}"
    for document in documents:
        document["metadata"]["namespace"] = namespace
        for pod in _pods(document):
            _name(pod, images, {one["metadata"]["name"] for one in maps})
    for one in maps:
        one["metadata"]["name"] += f"-{DIGEST}"
    found = {document["kind"]: document for document in documents}
    assert len(found) == len(documents), "two documents of a kind"
    return found


def _config_map(folder: Path, name: str, envs: list[str]) -> dict[str, Any]:
    lines = [line for file in envs for line in (folder / file).read_text(encoding="utf-8").splitlines()]
    data = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def _pods(document: dict[str, Any]) -> list[Any]:
    template = document.get("spec", {}).get("template")
    return [] if template is None else [template["spec"]]


def _name(pod: dict[str, Any], images: list[dict[str, str]], maps: set[str]) -> None:
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        for image in images:
            assert image.keys() == {"name", "newName", "digest"}
            if container["image"] == image["name"]:
                container["image"] = f"{image['newName']}@{image['digest']}"
        # Containers may share one list through an anchor; each gets its own.
        container["envFrom"] = [
            {"configMapRef": {"name": f"{one['configMapRef']['name']}-{DIGEST}"}}
            for one in container["envFrom"]
            if one["configMapRef"]["name"] in maps
        ]
