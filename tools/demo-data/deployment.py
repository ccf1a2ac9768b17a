"""One canary deployment of an Amazon ECS service, told twice: by the conductor, and by the events of EventBridge.

It is the first release after the pipelines are open again: 10 percent of traffic, 10 minutes, then everything.
"""

import json
import uuid

from scenario import ACCOUNT, REGION, at, rfc3339

CLUSTER, SERVICE, DEPLOYMENT = "harbor-services", "storefront", "k7Qm2Zs9VtXw4LbN8RcYd"
STREAM = f"deployment/{CLUSTER}/{SERVICE}/{DEPLOYMENT}"
BLUE, GREEN = "6180339887498948482", "7071067811865475244"
PROVENANCE, LOAD_TEST, RELEASE, WATCH = "image-provenance", "load-test", "release-approval", "canary-watch"
ALARMS = ("storefront-5xx", "storefront-p99")
ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
CLUSTER_ARN = f"{ARN}:cluster/{CLUSTER}"
SERVICE_ARN = f"{ARN}:service/{CLUSTER}/{SERVICE}"
DEPLOYMENT_ARN = f"{ARN}:service-deployment/{CLUSTER}/{SERVICE}/{DEPLOYMENT}"
PAUSE_ID = "ecs-pause-Wm3kT8vQx5ZrB1nYc7LdF0gHs2JpE6uAo9KiM4tRwNq"
DAY = "2026-03-10"


def clock(text):
    return at(f"{DAY} {text}")


def tell(story):
    """The conductor's view: stages, every call of a hook, every change of weights."""
    def said(time, kind, data, actor="harbor-conductor"):
        story.tell(clock(time), kind, data, actor)

    def stage(name, start, end, step=None):
        extra = {"step": step} if step else {}
        said(start, "phase.started", {"phase": name, **extra})
        said(end, "phase.completed", {"phase": name, **extra})

    def hook(name, phase, calls, step=None, weights=None, test_weights=None):
        """Calls as (asked, answered, status, seconds until the next call, hook details)."""
        for attempt, (asked, answered, status, delay, details) in enumerate(calls, start=1):
            common = {"hook": name, "phase": phase, "attempt": attempt, **({"step": step} if step else {})}
            execution = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{DEPLOYMENT}/{name}/{phase}/{step}/{attempt}"))
            said(asked, "hook.called", {
                **common, "execution_id": execution, "test_traffic_weights": test_weights or {},
                "production_traffic_weights": weights or {}})
            answer = {**common, "status": status}
            if delay:
                answer["call_back_delay_seconds"] = delay
            if details:
                answer["hook_details"] = details
            said(answered, "hook.answered", answer)

    said("12:58", "deployment.planned", {
        "playbook": "ecs-canary", "title": "storefront 2026.10.1", "service": SERVICE, "cluster": CLUSTER,
        "source_revision": BLUE, "target_revision": GREEN, "desired_count": 6,
        "parameters": {"canary_percent": 10, "canary_bake_minutes": 10, "bake_minutes": 5},
        "hooks": [
            {"name": PROVENANCE, "phases": ["PRE_SCALE_UP"], "kind": "lambda"},
            {"name": LOAD_TEST, "phases": ["POST_TEST_TRAFFIC_SHIFT"], "kind": "lambda"},
            {"name": RELEASE, "phases": ["POST_TEST_TRAFFIC_SHIFT"], "kind": "pause", "timeout_minutes": 60,
             "timeout_action": "ROLLBACK"},
            {"name": WATCH, "phases": ["PRODUCTION_TRAFFIC_SHIFT"], "kind": "lambda"},
        ]}, "tomas.kral")

    said("13:00:04", "phase.started", {"phase": "PRE_SCALE_UP"})
    hook(PROVENANCE, "PRE_SCALE_UP", [
        ("13:00:06", "13:00:09", "SUCCEEDED", None, {"image_digest": "sha256:4f1c9a0e77b25d38"})])
    said("13:00:12", "phase.completed", {"phase": "PRE_SCALE_UP"})
    stage("SCALE_UP", "13:00:14", "13:02:31")
    stage("POST_SCALE_UP", "13:02:33", "13:02:36")

    said("13:02:38", "phase.started", {"phase": "TEST_TRAFFIC_SHIFT"})
    said("13:02:41", "traffic.shifted", {"kind": "test", "weights": {"source": 0, "target": 100}})
    said("13:02:52", "phase.completed", {"phase": "TEST_TRAFFIC_SHIFT"})

    said("13:02:54", "phase.started", {"phase": "POST_TEST_TRAFFIC_SHIFT"})
    hook(LOAD_TEST, "POST_TEST_TRAFFIC_SHIFT", [
        ("13:02:55", "13:02:57", "IN_PROGRESS", 60, {"run": "lt-2093"}),
        ("13:03:57", "13:03:58", "IN_PROGRESS", 60, {"run": "lt-2093"}),
        ("13:04:58", "13:05:00", "SUCCEEDED", None, {"run": "lt-2093", "p99_ms": 214, "requests": 36_000})])
    said("13:02:55", "hook.called", {"hook": RELEASE, "phase": "POST_TEST_TRAFFIC_SHIFT", "attempt": 1,
                                     "execution_id": PAUSE_ID})
    said("13:03:10", "approval.requested", {
        "phase": "POST_TEST_TRAFFIC_SHIFT", "reason": "Release 2026.10.1 of the storefront", "requested_by": "tomas.kral",
        "expires": rfc3339(clock("14:02:55"))}, "tomas.kral")
    said("13:09:40", "approval.granted", {
        "phase": "POST_TEST_TRAFFIC_SHIFT", "approver": "priya.nair", "comment": "Load test looks right."}, "priya.nair")
    said("13:09:42", "hook.answered", {"hook": RELEASE, "phase": "POST_TEST_TRAFFIC_SHIFT", "attempt": 1,
                                       "status": "SUCCEEDED"})
    said("13:09:45", "phase.completed", {"phase": "POST_TEST_TRAFFIC_SHIFT"})

    stage("PRE_PRODUCTION_TRAFFIC_SHIFT", "13:09:47", "13:09:49", step=1)
    said("13:09:51", "phase.started", {"phase": "PRODUCTION_TRAFFIC_SHIFT", "step": 1})
    said("13:09:53", "traffic.shifted", {"kind": "production", "step": 1, "weights": {"source": 90, "target": 10}})
    hook(WATCH, "PRODUCTION_TRAFFIC_SHIFT", [("13:09:55", "13:09:56", "SUCCEEDED", None, {"watch": "w-511"})], step=1,
         weights={BLUE: 90, GREEN: 10})
    said("13:09:57", "bake.started", {"minutes": 10, "step": 1})
    said("13:19:57", "bake.completed", {"step": 1})
    said("13:19:58", "phase.completed", {"phase": "PRODUCTION_TRAFFIC_SHIFT", "step": 1})
    stage("PRE_PRODUCTION_TRAFFIC_SHIFT", "13:20:00", "13:20:02", step=2)
    said("13:20:04", "phase.started", {"phase": "PRODUCTION_TRAFFIC_SHIFT", "step": 2})
    said("13:20:06", "traffic.shifted", {"kind": "production", "step": 2, "weights": {"source": 0, "target": 100}})
    hook(WATCH, "PRODUCTION_TRAFFIC_SHIFT", [
        ("13:20:08", "13:20:11", "SUCCEEDED", None, {"watch": "w-511", "errors_per_million": 310})], step=2,
        weights={BLUE: 0, GREEN: 100})
    said("13:20:13", "phase.completed", {"phase": "PRODUCTION_TRAFFIC_SHIFT", "step": 2})
    stage("POST_PRODUCTION_TRAFFIC_SHIFT", "13:20:15", "13:20:18")
    said("13:20:20", "phase.started", {"phase": "BAKE_TIME"})
    said("13:20:20", "bake.started", {"minutes": 5})
    said("13:25:20", "bake.completed", {})
    said("13:25:21", "phase.completed", {"phase": "BAKE_TIME"})
    stage("CLEAN_UP", "13:25:23", "13:27:02")
    said("13:27:05", "deployment.completed", {})


def eventbridge(noise):
    """The same deployment as EventBridge delivers it: at least once, so one event comes twice."""
    lines = []

    def event(time, detail_type, resources, detail, source="aws.ecs"):
        moment = clock(time)
        lines.append((moment, len(lines), {
            "version": "0", "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{DEPLOYMENT}/{len(lines)}")),
            "detail-type": detail_type, "source": source, "account": ACCOUNT, "time": rfc3339(moment), "region": REGION,
            "resources": resources, "detail": detail}))

    def state(time, name, reason):
        event(time, "ECS Deployment State Change", [SERVICE_ARN], {
            "eventType": "INFO", "eventName": name, "deploymentId": f"ecs-svc/{GREEN}", "updatedAt": rfc3339(clock(time)),
            "reason": reason})

    def pause(time, name, **extra):
        event(time, "ECS Hook State Change", [DEPLOYMENT_ARN], {
            "eventType": "INFO", "eventName": name, "hookId": PAUSE_ID, "hookType": "PAUSE",
            "lifecycleStage": "POST_TEST_TRAFFIC_SHIFT", "clusterArn": CLUSTER_ARN, "serviceArn": SERVICE_ARN,
            "serviceDeploymentArn": DEPLOYMENT_ARN, "updatedAt": rfc3339(clock(time))[:-1] + ".618059641Z", **extra})

    def action(time, name):
        event(time, "ECS Service Action", [SERVICE_ARN], {
            "eventType": "INFO", "eventName": name, "clusterArn": CLUSTER_ARN, "createdAt": rfc3339(clock(time))})

    def alarm(time, name, value, previous):
        arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
        event(time, "CloudWatch Alarm State Change", [arn], {
            "alarmName": name,
            "state": {"value": value, "reason": "Threshold crossed" if value == "ALARM" else "Below the threshold",
                      "timestamp": rfc3339(clock(time))},
            "previousState": {"value": previous, "reason": "Unchecked: Initial alarm creation",
                              "timestamp": rfc3339(clock("12:30"))},
            "configuration": {"metrics": []}}, source="aws.cloudwatch")

    for name in ALARMS:
        alarm("12:50:30", name, "OK", "INSUFFICIENT_DATA")
    state("13:00:00", "SERVICE_DEPLOYMENT_IN_PROGRESS", f"ECS deployment ecs-svc/{GREEN} in progress.")
    tasks(noise, event)
    pause("13:02:55", "HOOK_AWAITING_ACTION", expiresAt=rfc3339(clock("14:02:55")))
    action("13:05:10", "SERVICE_STEADY_STATE")
    pause("13:09:42", "HOOK_SUCCEEDED")
    action("13:26:40", "TASKS_STOPPED")
    action("13:27:03", "SERVICE_STEADY_STATE")
    state("13:27:05", "SERVICE_DEPLOYMENT_COMPLETED", f"ECS deployment ecs-svc/{GREEN} completed.")
    ordered = [event for _, _, event in sorted(lines, key=lambda line: line[:2])]
    repeated = next(event for event in ordered if event["detail-type"] == "ECS Hook State Change")
    ordered.insert(ordered.index(repeated) + 2, repeated)
    return "\n".join(json.dumps(event, separators=(",", ":")) for event in ordered) + "\n"


def tasks(noise, event):
    """Six green tasks start, six blue ones stop; each change of state has its own version."""
    for index in range(6):
        for colour, revision, times in (
            ("green", GREEN, ((f"13:00:{20 + index}", "PENDING", "RUNNING"), (f"13:01:{10 + 4 * index}", "RUNNING", "RUNNING"))),
            ("blue", BLUE, ((f"13:26:{10 + index}", "DEACTIVATING", "STOPPED"), (f"13:26:{20 + 3 * index}", "STOPPED", "STOPPED"))),
        ):
            identity = noise.hex(32)
            arn = f"{ARN}:task/{CLUSTER}/{identity}"
            attachment = {
                "id": identity[:8], "type": "eni", "status": "ATTACHED" if colour == "green" else "DELETED",
                "details": [{"name": "networkInterfaceId", "value": "eni-0" + noise.hex(16)},
                            {"name": "privateIPv4Address", "value": f"10.42.{index}.{noise.randrange(10, 250)}"}]}
            for version, (time, last, desired) in enumerate(times, start=2 if colour == "green" else 6):
                moment = rfc3339(clock(time))
                detail = {
                    "taskArn": arn, "clusterArn": CLUSTER_ARN, "group": f"service:{SERVICE}", "launchType": "FARGATE",
                    "taskDefinitionArn": f"{ARN}:task-definition/{SERVICE}:{93 if colour == 'green' else 92}",
                    "lastStatus": last, "desiredStatus": desired, "version": version,
                    "startedBy": f"ecs-svc/{revision}", "updatedAt": moment, "availabilityZone": f"{REGION}{'abc'[index % 3]}",
                    "attachments": [attachment], "cpu": "512", "memory": "1024",
                    "containers": [{"name": SERVICE, "lastStatus": last, "image": f"{SERVICE}:{colour}"}]}
                if last == "STOPPED":
                    detail |= {"stoppedReason": f"Scaling activity initiated by (deployment ecs-svc/{GREEN})",
                               "stopCode": "ServiceSchedulerInitiated", "stoppedAt": moment}
                event(time, "ECS Task State Change", [arn], detail)
