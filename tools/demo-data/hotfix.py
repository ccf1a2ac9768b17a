"""The evening of the migration day: a hotfix that could not wait for its approval, and a bake that was cut short.

A gateway's certificate changes at 19:00, and `gift-cards` still pins the old one. The engineer on call rolls out first
and asks at the same time; somebody else approves within the deadline. In the hurry the bake is ended after four of its
ten minutes: the one fact in the data that breaks a rule.
"""

from scenario import at, rfc3339

CLUSTER, SERVICE, DEPLOYMENT = "harbor-services", "gift-cards", "Vb5Rz1Xn8MqT3hKs6WdLe"
STREAM = f"deployment/{CLUSTER}/{SERVICE}/{DEPLOYMENT}"
ON_CALL, APPROVER = "owen.hughes", "priya.nair"
DAY = "2026-03-10"
# The playbook gives a day to approve what began as an emergency.
APPROVAL_SECONDS = 86_400


def tell(story):
    def said(time, kind, data, actor=ON_CALL):
        story.tell(at(f"{DAY} {time}"), kind, data, actor)

    said("18:40", "deployment.planned", {
        "playbook": "ecs-rolling", "title": "gift-cards 2026.9.4, hotfix", "service": SERVICE, "cluster": CLUSTER,
        "source_revision": "5772156649015328606", "target_revision": "2718281828459045235", "desired_count": 2,
        "parameters": {"minimum_healthy_percent": 100, "maximum_percent": 200, "bake_minutes": 10}, "hooks": []})
    said("18:42", "phase.started", {
        "phase": "ROLL_OUT", "emergency": True, "requested_by": ON_CALL,
        "reason": "The payment gateway changes its certificate at 19:00; no payment by gift card works after that."})
    said("18:44:30", "approval.requested", {
        "phase": "ROLL_OUT", "reason": "Emergency rollout, under way.", "requested_by": ON_CALL,
        "expires": rfc3339(at(f"{DAY} 18:42") + APPROVAL_SECONDS)})
    said("18:47:20", "phase.completed", {"phase": "ROLL_OUT"}, "harbor-conductor")
    said("18:47:20", "phase.started", {"phase": "BAKE_TIME"}, "harbor-conductor")
    said("18:51:20", "phase.completed", {"phase": "BAKE_TIME"})
    said("18:51:25", "deployment.completed", {}, "harbor-conductor")
    said("20:15", "approval.granted", {
        "phase": "ROLL_OUT", "approver": APPROVER, "emergency": True, "retroactive": True,
        "comment": "Right call. Bake the next one to its end, please."}, APPROVER)
