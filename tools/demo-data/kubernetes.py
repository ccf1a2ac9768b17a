"""Velero backups and restores, and the events of Kubernetes, as `kubectl get -o yaml` and `-o json` print them."""

import uuid

from metrics import scaling
from scenario import APPLICATIONS, MIGRATION, REGION, SOURCE, TARGET, at, rfc3339

APPLICATION_NAMESPACES = ["harbor-apps", "harbor-jobs"]
CORE_NAMESPACES = ["ingress", "monitoring", "kube-dns-custom"]


def identity(*names):
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "harbor/" + "/".join(names)))


def metadata(kind, cluster, name, created, version):
    return {
        "name": name, "namespace": "velero", "uid": identity(kind, cluster, name), "resourceVersion": str(version),
        "generation": 6, "creationTimestamp": rfc3339(created),
        "labels": {"velero.io/storage-location": "harbor-migration"},
        "annotations": {"velero.io/source-cluster-k8s-gitversion": "v1.29.14"},
    }


def backup(name, namespaces, start, end, items, warnings, version):
    return {
        "apiVersion": "velero.io/v1", "kind": "Backup", "metadata": metadata("Backup", SOURCE, name, start, version),
        "spec": {
            "storageLocation": "harbor-migration", "includedNamespaces": namespaces, "ttl": "720h0m0s",
            "snapshotVolumes": True, "csiSnapshotTimeout": "10m0s", "defaultVolumesToFsBackup": False,
        },
        "status": {
            "phase": "Completed", "version": 1, "formatVersion": "1.1.0", "startTimestamp": rfc3339(start),
            "completionTimestamp": rfc3339(end), "expiration": rfc3339(start + 720 * 3600),
            "progress": {"totalItems": items, "itemsBackedUp": items}, "warnings": warnings,
            "volumeSnapshotsAttempted": 3, "volumeSnapshotsCompleted": 3, "hookStatus": {"hooksAttempted": 3},
        },
    }


def restore(name, backup_name, namespaces, start, end, items, warnings, version):
    return {
        "apiVersion": "velero.io/v1", "kind": "Restore", "metadata": metadata("Restore", TARGET, name, start, version),
        "spec": {
            "backupName": backup_name, "includedNamespaces": namespaces, "existingResourcePolicy": "none",
            "preserveNodePorts": True, "itemOperationTimeout": "4h0m0s",
            "excludedResources": ["nodes", "events", "targetgroupbindings.elbv2.k8s.aws"],
        },
        "status": {
            "phase": "Completed", "startTimestamp": rfc3339(start), "completionTimestamp": rfc3339(end),
            "progress": {"totalItems": items, "itemsRestored": items}, "warnings": warnings,
        },
    }


def velero():
    """Path to object; the importer takes YAML and JSON, so both are here."""
    core = backup(f"{MIGRATION}-core", CORE_NAMESPACES, at("2026-03-04 13:02"), at("2026-03-04 13:05:41"), 412, 0, 81_203)
    core_restore = restore(
        f"{MIGRATION}-core", f"{MIGRATION}-core", CORE_NAMESPACES, at("2026-03-04 13:20"), at("2026-03-04 13:26:12"), 398,
        2, 55_017)
    apps = backup(
        f"{MIGRATION}-apps", APPLICATION_NAMESPACES, at("2026-03-10 08:41"), at("2026-03-10 08:49:36"), 3184, 3, 96_440)
    apps_restore = restore(
        f"{MIGRATION}-apps", f"{MIGRATION}-apps", APPLICATION_NAMESPACES, at("2026-03-10 08:52"), at("2026-03-10 08:58:20"),
        3071, 9, 61_980)
    return {
        f"{SOURCE}/backup-core.json": core, f"{SOURCE}/backup-apps.yaml": apps,
        f"{TARGET}/restore-core.yaml": core_restore, f"{TARGET}/restore-apps.json": apps_restore,
    }


def events(scenario):
    """A list of core/v1 events of the target cluster on the day, as one `List` object."""
    noise = scenario.noise("k8s-events")
    items = []

    def event(moment, kind, name, reason, message, component, namespace="harbor-apps", type_="Normal", count=1, last=None):
        version = 62_000 + len(items) * 7
        items.append({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {
                "name": f"{name}.{noise.hex(16)}", "namespace": namespace, "resourceVersion": str(version),
                "uid": identity("Event", str(len(items)), name), "creationTimestamp": rfc3339(moment),
            },
            "involvedObject": {
                "apiVersion": "v1" if kind in ("Node", "Pod") else "apps/v1", "kind": kind, "name": name,
                "namespace": "" if kind == "Node" else namespace, "uid": identity(kind, TARGET, name),
            },
            "type": type_, "reason": reason, "message": message, "source": {"component": component},
            "firstTimestamp": rfc3339(moment), "lastTimestamp": rfc3339(last or moment), "count": count,
            "reportingComponent": component, "reportingInstance": "",
        })

    for index in range(3):
        node = f"ip-10-41-{16 * index + 4}-31.{REGION}.compute.internal"
        event(at("2026-03-10 08:59") + 47 * index, "Node", node, "NodeReady", f"Node {node} status is now: NodeReady",
              "kubelet", namespace="default")
    for application in APPLICATIONS:
        for moment, cluster, before, after in scaling(application):
            if cluster != TARGET:
                continue
            word = "up" if after > before else "down"
            event(moment, "Deployment", application.name, "ScalingReplicaSet",
                  f"Scaled {word} replica set {application.name}-6c9f7d to {after} from {before}", "deployment-controller")
    slow = f"recommendations-6c9f7d-{noise.hex(5)}"
    event(at("2026-03-10 09:08:12"), "Pod", slow, "Unhealthy",
          "Readiness probe failed: HTTP probe failed with statuscode: 503", "kubelet", type_="Warning", count=4,
          last=at("2026-03-10 09:08:52"))
    event(at("2026-03-10 10:41:05"), "Pod", f"home-feed-6c9f7d-{noise.hex(5)}", "FailedScheduling",
          "0/9 nodes are available: 9 Insufficient cpu. Waiting for a new node.", "default-scheduler", type_="Warning",
          count=2, last=at("2026-03-10 10:41:35"))
    items.sort(key=lambda item: (item["firstTimestamp"], item["metadata"]["name"]))
    return {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": items}


def yaml(value, indent=0):
    """Block YAML of the plain kind that kubectl prints; enough for objects of strings, numbers, flags and lists."""
    pad = "  " * indent
    if isinstance(value, dict):
        lines = []
        for key, inner in value.items():
            if isinstance(inner, (dict, list)) and inner:
                lines += [f"{pad}{key}:", yaml(inner, indent + (0 if isinstance(inner, list) else 1))]
            else:
                lines.append(f"{pad}{key}: {scalar(inner)}")
        return "\n".join(lines)
    return "\n".join(f"{pad}- {scalar(inner)}" for inner in value)


def scalar(value):
    if value is True or value is False:
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (dict, list)):
        return "{}" if isinstance(value, dict) else "[]"
    # Times and numbers that are text need quotes, or a YAML reader takes them for what they look like.
    return f'"{value}"' if not value or value[0].isdigit() or ": " in value else value
