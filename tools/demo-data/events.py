"""The history of the migration and of two deployments as CloudEvents, one JSON object a line.

Types begin with `observed.`: an outside producer tells facts. The migration and the canary keep all rules: whoever
approves did not ask, gates pass before phases begin, the old TTLs have long elapsed, capacity stays between its floor
and its cap. The hotfix of the evening breaks one.
"""

import json
import uuid

import deployment
import hotfix
from metrics import scaling
from scenario import (APPLICATIONS, MIGRATION, REGION, SHIFTS, SOURCE, TARGET, TENANT, at, rfc3339)

CONDUCTOR = "//conductor.harbor.example/migrations"
INES, TOMAS, PRIYA, OWEN = "ines.duarte", "tomas.kral", "priya.nair", "owen.hughes"
ROBOT = "harbor-conductor"


class Story:
    """Collects events; time order and identities come at the end."""

    def __init__(self, source, subject):
        self.source = source
        self.subject = subject
        self.events = []

    def tell(self, time, kind, data, actor=ROBOT):
        moment = time if isinstance(time, int) else at(time)
        self.events.append((moment, len(self.events), {
            "specversion": "1.0", "source": self.source, "type": f"observed.{kind}.v1", "subject": self.subject,
            "time": rfc3339(moment), "datacontenttype": "application/json", "onbehalfof": actor, "data": data,
        }))

    def phase(self, name, start, end, budget_note=None):
        self.tell(start, "phase.started", {"phase": name})
        self.tell(end, "phase.completed", {"phase": name})

    def approval(self, phase, asked, asker, reason, granted, approver, comment):
        self.tell(asked, "approval.requested", {
            "phase": phase, "reason": reason, "requested_by": asker, "expires": rfc3339(at(asked) + 7 * 86_400)}, asker)
        self.tell(granted, "approval.granted", {"phase": phase, "approver": approver, "comment": comment}, approver)

    def gate(self, time, phase, *reasons):
        self.tell(time, "gate.evaluated", {"phase": phase, "result": "pass", "reasons": list(reasons)})

    def check(self, time, name, detail, actor=ROBOT):
        self.tell(time, "check.completed", {"name": name, "result": "pass", "detail": detail}, actor)


def generate():
    migration = Story(CONDUCTOR, f"migration/{MIGRATION}")
    prepare(migration)
    migration_day(migration)
    stories = [migration]
    for release in (deployment, hotfix):
        stories.append(Story("//conductor.harbor.example/deployments", release.STREAM))
        release.tell(stories[-1])
    ordered = sorted((event for story in stories for event in story.events), key=lambda event: event[0])
    lines = []
    for _, number, event in ordered:
        event = {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{event['source']}/{event['subject']}#{number}")), **event}
        lines.append(json.dumps(event, separators=(",", ":")))
    return "\n".join(lines) + "\n"


def prepare(story):
    """Plan, precheck and build: weeks in which nobody outside the platform team notices anything."""
    story.tell("2026-02-16 10:00", "migration.planned", {
        "playbook": "cluster-migration", "title": "Harbor EU 1: self-managed Kubernetes to Amazon EKS",
        "source_cluster": SOURCE, "target_cluster": TARGET, "tenant": TENANT, "region": REGION,
        "applications": [{"name": app.name, "class": app.kind, "replicas": app.replicas} for app in APPLICATIONS],
        "budgets": {"snapshot": 2400, "move-workloads": 3600, "shift-traffic": 7200, "resume-pipelines": 1800},
    }, INES)
    story.approval(
        "precheck", "2026-02-16 10:20", INES, "Start of preparation; read-only apart from TTLs.", "2026-02-16 11:05",
        TOMAS, "Fine. No TTL below 60 s please.")
    story.gate("2026-02-16 12:58", "precheck", "plan approved", "no other migration of this tenant is open")
    story.tell("2026-02-16 13:00", "phase.started", {"phase": "precheck"}, INES)
    story.check("2026-02-16 13:12", "same-vpc", "both clusters in vpc-0c4a6e19b7d2f3508")
    story.check("2026-02-16 13:13", "same-egress", "NAT addresses equal: 3 of 3")
    story.check("2026-02-16 13:40", "webhooks-have-endpoints", "7 admission webhooks, all with ready backends")
    story.tell("2026-02-17 09:04", "ttl.lowered", {
        "zone": "harbor.example.", "record": "eu-1.harbor.example. NS", "old_ttl_seconds": 172_800,
        "new_ttl_seconds": 60}, TOMAS)
    story.tell("2026-02-17 09:05", "ttl.lowered", {
        "zone": "eu-1.harbor.example.", "record": "*.eu-1.harbor.example. A", "old_ttl_seconds": 3600,
        "new_ttl_seconds": 60}, TOMAS)
    story.check("2026-02-19 09:30", "ttl-at-resolvers", "lowered TTL seen at 24 of 24 resolvers")
    story.tell("2026-02-20 15:00", "phase.completed", {"phase": "precheck"}, INES)

    story.approval(
        "build", "2026-02-27 09:00", INES, "New cluster in the same VPC, zone not delegated.", "2026-02-27 14:30", OWEN,
        "Capacity reserved until 20 March.")
    story.gate("2026-03-02 08:55", "build", "precheck completed", "approved by owen.hughes")
    story.tell("2026-03-02 09:00", "phase.started", {"phase": "build"}, INES)
    story.check("2026-03-02 11:20", "nodes-ready", "9 of 9 nodes Ready in 3 zones")
    story.check("2026-03-04 13:40", "core-services-restored", "CoreDNS, ingress and monitoring ready from harbor-eu-1-core")
    for index, application in enumerate(app for app in APPLICATIONS if app.kind == "stateless"):
        story.tell(at("2026-03-05 10:00") + 45 * index, "workload.scaled", {
            "application": application.name, "cluster": TARGET, "from": 0, "to": 1, **bounds(application)})
    story.check("2026-03-05 16:00", "zone-not-delegated", "eu-1-next.harbor.example. answers; no NS in the parent")
    story.check("2026-03-06 15:10", "end-to-end-suite", "214 of 214 tests passed against both zones")
    story.tell("2026-03-06 15:30", "phase.completed", {"phase": "build"}, INES)


def bounds(application):
    spare = application.replicas - application.replicas // 2 if application.kind == "stateless" else 1
    return {"floor": application.replicas, "cap": application.replicas + spare}


def migration_day(story):
    asked = "2026-03-09 13:00"
    for phase, reason, granted, approver, comment in (
        ("snapshot", "Freeze and snapshot on Tuesday at 08:30 UTC.", "2026-03-09 14:02", TOMAS, "No releases planned."),
        ("move-workloads", "Half and half, Kafka consumers one by one.", "2026-03-09 14:10", OWEN,
         "Brokers have room for one more pair per group."),
        ("shift-traffic", "Delegate the zone: 10, 50, then 100 percent.", "2026-03-10 08:05", PRIYA,
         "No live event before 18:00 UTC."),
        ("resume-pipelines", "Open the pipelines once traffic is moved.", "2026-03-10 08:06", PRIYA, "Same day, please."),
    ):
        story.approval(phase, asked, INES, reason, granted, approver, comment)

    story.gate("2026-03-10 08:28", "snapshot", "build completed", "approved by tomas.kral", "214 of 214 tests passed")
    story.tell("2026-03-10 08:30", "freeze.started", {
        "scope": "pipelines of harbor-eu-1", "reason": "snapshot and move of harbor-eu-1"}, INES)
    story.tell("2026-03-10 08:31", "phase.started", {"phase": "snapshot"}, INES)
    story.check("2026-03-10 08:38", "no-writes-during-freeze", "generation of 412 objects unchanged for 5 min")
    story.check("2026-03-10 08:50", "velero-backup", "harbor-eu-1-apps Completed, 0 errors, 3 warnings")
    story.check("2026-03-10 08:51:30", "velero-warnings-reviewed",
                "3 warnings: volumes of suspended jobs, not needed in the target", TOMAS)
    story.check("2026-03-10 08:58:40", "velero-restore", "harbor-eu-1-apps Completed, 0 errors, 9 warnings (objects exist)")
    story.tell("2026-03-10 08:59", "phase.completed", {"phase": "snapshot"})

    story.gate("2026-03-10 08:59:30", "move-workloads", "snapshot completed", "approved by owen.hughes",
               "warnings of the restore reviewed")
    story.tell("2026-03-10 09:00", "phase.started", {"phase": "move-workloads"}, INES)
    scale(story, before=SHIFTS[0][0])
    story.check("2026-03-10 09:24", "workloads-balanced", "16 of 16 applications run in both clusters")
    story.tell("2026-03-10 09:26", "phase.completed", {"phase": "move-workloads"})

    story.gate("2026-03-10 09:28", "shift-traffic", "16 of 16 applications ready in the target",
               "approved by priya.nair", "old TTL of 172800 s elapsed on 2026-02-19")
    story.tell("2026-03-10 09:29", "phase.started", {"phase": "shift-traffic"}, INES)
    for step, (moment, percent) in enumerate(SHIFTS, start=1):
        story.tell(moment, "traffic.shifted", {
            "kind": "production", "step": step, "weights": {"source": 100 - percent, "target": percent}}, INES)
    story.check("2026-03-10 09:38", "availability", "99.99 % at 10 percent, 24 of 24 probes", ROBOT)
    story.tell("2026-03-10 10:31", "note.added", {
        "text": "A partner on-call says they rolled back a firewall change this morning. Checking whether it touched us."},
        OWEN)
    story.check("2026-03-10 10:37", "availability", "99.98 % at 50 percent, 24 of 24 probes")
    scale(story, after=SHIFTS[-1][0])
    story.check("2026-03-10 10:49", "source-idle", "requests at the source below 1 percent")
    story.tell("2026-03-10 10:50", "phase.completed", {"phase": "shift-traffic"})

    story.gate("2026-03-10 10:52", "resume-pipelines", "traffic at 100 percent for 10 min", "approved by priya.nair")
    story.tell("2026-03-10 10:53", "phase.started", {"phase": "resume-pipelines"}, INES)
    story.tell("2026-03-10 10:54", "freeze.ended", {"scope": "pipelines of harbor-eu-1"}, INES)
    story.check("2026-03-10 10:57", "pipelines-enabled", "61 of 61 pipelines point at harbor-eks-eu-1")
    story.tell("2026-03-10 10:58", "phase.completed", {"phase": "resume-pipelines"})
    story.tell("2026-03-10 11:20", "note.added", {
        "text": "The old cluster stays for two weeks as the way back; decommission is a change of its own."}, INES)


def scale(story, before=None, after=None):
    for application in APPLICATIONS:
        for moment, cluster, start, end in scaling(application):
            if (before is None or moment < before) and (after is None or moment >= after):
                story.tell(moment, "workload.scaled", {
                    "application": application.name, "cluster": cluster, "from": start, "to": end,
                    **bounds(application)})
