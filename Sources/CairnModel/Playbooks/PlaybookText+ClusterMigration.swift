extension PlaybookLibrary {
    /// A cluster moves to Amazon EKS. The runbook's order is the order of the stages; the architecture's numbering of
    /// the same work stands beside it. Phases 3 to 6 of the runbook happen within hours of one day; the old cluster
    /// goes later.
    static let clusterMigrationText = #"""
        {
          "id": "cluster-migration",
          "title": "Move a cluster to Amazon EKS",
          "kind": "migration",
          "stages": [
            {
              "name": "precheck",
              "title": "Precheck: networks, webhooks, TTLs lowered",
              "names": {"runbook": {"number": "1", "title": "Precheck and TTLs"}},
              "hooks": ["lambda", "pause", "webhook"],
              "complete": ["checks"],
              "back": {"to": "precheck", "how": "Raise the TTLs to what they were."}
            },
            {
              "name": "build",
              "title": "Build the new cluster beside the old one, undelegated zone, tests, Velero on both sides",
              "names": {
                "runbook": {"number": "2", "title": "Build EKS, tests, Velero on both sides"},
                "architecture": {"number": "1-2", "title": "New EKS in the same VPC; core services by Velero"}
              },
              "hooks": ["lambda", "pause", "webhook"],
              "complete": ["checks"],
              "back": {"to": "build", "how": "Remove the new cluster; nothing depends on it."}
            },
            {
              "name": "snapshot",
              "title": "Freeze all pipelines, snapshot and restore with Velero",
              "names": {"runbook": {"number": "3", "title": "Freeze pipelines, snapshot"}},
              "hooks": ["lambda", "pause", "webhook"],
              "start": ["approval"],
              "complete": ["freeze", "checks"],
              "budget_seconds": 3600,
              "back": {"to": "snapshot", "how": "End the freeze; the old cluster never changed."}
            },
            {
              "name": "move-workloads",
              "title": "Move workloads half and half, Kafka pairs one by one",
              "names": {
                "runbook": {"number": "4", "title": "Move workloads 50/50"},
                "architecture": {"number": "3", "title": "Applications"}
              },
              "hooks": ["lambda", "pause", "webhook"],
              "start": ["gate", "freeze"],
              "complete": ["stack-ready"],
              "budget_seconds": 7200,
              "back": {"to": "move-workloads", "how": "Scale the old cluster up, then the new one down."}
            },
            {
              "name": "shift-traffic",
              "title": "Delegate the zone, new cluster to 100 percent, old one down",
              "names": {
                "runbook": {"number": "5", "title": "Delegate the zone, EKS to 100%"},
                "architecture": {"number": "4", "title": "Delegate DNS"}
              },
              "hooks": ["lambda", "pause", "webhook"],
              "start": ["approval", "gate", "ttl-elapsed", "freeze", "stack-ready"],
              "complete": ["traffic-on-target"],
              "budget_seconds": 7200,
              "back": {"to": "shift-traffic", "how": "Delegate to the old name servers again, the old cluster to 100%."}
            },
            {
              "name": "resume-pipelines",
              "title": "Turn the pipelines on again, towards the new cluster",
              "names": {"runbook": {"number": "6", "title": "Re-enable pipelines"}},
              "hooks": ["lambda", "pause", "webhook"],
              "complete": ["no-freeze"],
              "budget_seconds": 1800,
              "back": {"to": "snapshot", "how": "Freeze again; what was deployed since has to be moved back too."}
            },
            {
              "name": "decommission",
              "title": "Delete the old cluster",
              "names": {"architecture": {"number": "5-6", "title": "Clean up the old cluster"}},
              "hooks": ["lambda", "pause", "webhook"],
              "optional": true,
              "later": true,
              "start": ["approval", "gate", {"check": "source-idle"}]
            }
          ],
          "traffic": {"production": {"stage": "shift-traffic", "steps": "free"}},
          "hook_limits": {
            "lambda": {"count": 10, "timeout_minutes_minimum": 1, "timeout_minutes_maximum": 1440,
                       "timeout_minutes_default": 1440},
            "pause": {"count": 10, "timeout_minutes_minimum": 1, "timeout_minutes_maximum": 20160,
                      "timeout_minutes_default": 1440},
            "webhook": {"count": 10, "timeout_minutes_minimum": 1, "timeout_minutes_maximum": 1440,
                        "timeout_minutes_default": 1440}
          },
          "rollback": {"on": ["hook-failed", "hook-timed-out"]},
          "emergency_approval_seconds": 86400
        }
        """#
}
