"""The "restricted" level of the Pod Security Standards, as Kubernetes documents its controls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"),
    *("persistentVolumeClaim", "projected", "secret"),
}


def violations(pod: dict[str, Any]) -> list[str]:
    """What of a pod's spec the level refuses."""
    return [
        *_of_pod(pod),
        *(f"{one['name']}: {wrong}" for one in _containers(pod) for wrong in _of(one, pod)),
    ]


def _containers(pod: dict[str, Any]) -> list[Any]:
    return [
        one for kind in ("initContainers", "containers", "ephemeralContainers") for one in pod.get(kind, [])
    ]


def _of_pod(pod: dict[str, Any]) -> Iterator[str]:
    yield from (name for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name))
    for volume in pod.get("volumes", []):
        yield from (f"volume {kind}" for kind in volume.keys() - {"name"} - _VOLUMES)
    if pod.get("securityContext", {}).get("sysctls"):
        yield "sysctls"


def _of(container: dict[str, Any], pod: dict[str, Any]) -> Iterator[str]:
    own = container.get("securityContext", {})
    context = {**pod.get("securityContext", {}), **own}
    capabilities = own.get("capabilities", {})
    allowed = {
        "privileged": not own.get("privileged"),
        "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
        "capabilities.drop": "ALL" in capabilities.get("drop", []),
        "capabilities.add": set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"},
        "runAsNonRoot": context.get("runAsNonRoot") is True,
        "runAsUser": context.get("runAsUser") != 0,
        "seccompProfile": context.get("seccompProfile", {}).get("type") in ("RuntimeDefault", "Localhost"),
        "procMount": own.get("procMount", "Default") == "Default",
        "seLinuxOptions": not context.get("seLinuxOptions", {}).keys() & {"user", "role"},
        "appArmorProfile": context.get("appArmorProfile", {}).get("type") != "Unconfined",
        "windowsOptions": not context.get("windowsOptions", {}).get("hostProcess"),
        "hostPort": not any(port.get("hostPort") for port in container.get("ports", [])),
        "probe host": not any(
            _host_of(container.get(f"{kind}Probe")) for kind in ("liveness", "readiness", "startup")
        ),
    }
    yield from (name for name, fine in allowed.items() if not fine)


def _host_of(probe: dict[str, Any] | None) -> object:
    return probe and any(action.get("host") for action in probe.values() if isinstance(action, dict))
