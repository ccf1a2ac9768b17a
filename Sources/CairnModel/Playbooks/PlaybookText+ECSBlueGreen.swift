extension PlaybookLibrary {
    /// Amazon ECS blue/green: all eleven stages in the order that AWS documents, and the limits that it enforces. The
    /// other two strategies with two sets of tasks extend it.
    static let ecsBlueGreenText = #"""
        {
          "id": "ecs-blue-green",
          "title": "Amazon ECS blue/green",
          "kind": "deployment",
          "open_stages": true,
          "timeout_seconds": 2592000,
          "stages": [
            {"name": "RECONCILE_SERVICE", "title": "More than one revision was active at the start",
             "hooks": ["lambda", "pause"], "optional": true, "timeout_seconds": 86400,
             "capacity": {"source": 100, "target": 0},
             "back": {"to": "RECONCILE_SERVICE", "how": "Traffic to the source revision, target to 0 tasks."}},
            {"name": "PRE_SCALE_UP", "title": "Before the green tasks start",
             "hooks": ["lambda", "pause"], "timeout_seconds": 86400,
             "capacity": {"source": 100, "target": 0},
             "back": {"to": "RECONCILE_SERVICE", "how": "Traffic to the source revision, target to 0 tasks."}},
            {"name": "SCALE_UP", "title": "Green starts up to its full size, without traffic",
             "timeout_seconds": 86400, "capacity": {"source": 100, "target": 100},
             "back": {"to": "RECONCILE_SERVICE", "how": "Traffic to the source revision, target to 0 tasks."}},
            {"name": "POST_SCALE_UP", "title": "Green is up and healthy, without traffic",
             "hooks": ["lambda", "pause"], "timeout_seconds": 86400,
             "capacity": {"source": 100, "target": 100},
             "back": {"to": "RECONCILE_SERVICE", "how": "Traffic to the source revision, target to 0 tasks."}},
            {"name": "TEST_TRAFFIC_SHIFT", "title": "All test traffic goes to green",
             "hooks": ["lambda"], "timeout_seconds": 86400,
             "capacity": {"source": 100, "target": 100},
             "back": {"to": "RECONCILE_SERVICE", "how": "Traffic to the source revision, target to 0 tasks."}},
            {"name": "POST_TEST_TRAFFIC_SHIFT", "title": "Tests and approvals",
             "hooks": ["lambda", "pause"], "timeout_seconds": 86400,
             "capacity": {"source": 100, "target": 100},
             "back": {"to": "RECONCILE_SERVICE", "how": "Traffic to the source revision, target to 0 tasks."}},
            {"name": "PRE_PRODUCTION_TRAFFIC_SHIFT", "title": "Before a step of production traffic",
             "hooks": ["lambda", "pause"], "per_step": true, "optional": true, "timeout_seconds": 86400,
             "capacity": {"source": 100, "target": 100},
             "back": {"to": "RECONCILE_SERVICE", "how": "Traffic to the source revision, target to 0 tasks."}},
            {"name": "PRODUCTION_TRAFFIC_SHIFT", "title": "A step of production traffic",
             "hooks": ["lambda"], "per_step": true, "timeout_seconds": 86400,
             "capacity": {"source": 100, "target": 100},
             "back": {"to": "RECONCILE_SERVICE", "how": "Traffic to the source revision, target to 0 tasks."}},
            {"name": "POST_PRODUCTION_TRAFFIC_SHIFT", "title": "All traffic is on green, blue is still up",
             "hooks": ["lambda", "pause"], "timeout_seconds": 86400,
             "capacity": {"source": 100, "target": 100},
             "back": {"to": "RECONCILE_SERVICE", "how": "Traffic to the source revision, target to 0 tasks."}},
            {"name": "BAKE_TIME", "title": "Both revisions run",
             "complete": [{"bake": "bake_minutes"}], "timeout_seconds": 90000,
             "capacity": {"source": 100, "target": 100},
             "back": {"to": "RECONCILE_SERVICE", "how": "Traffic to the source revision, target to 0 tasks."}},
            {"name": "CLEAN_UP", "title": "Blue goes down to no tasks",
             "timeout_seconds": 86400, "capacity": {"source": 0, "target": 100}}
          ],
          "parameters": [
            {"name": "bake_minutes", "minimum": 0, "maximum": 1440, "required": true}
          ],
          "traffic": {
            "production": {"stage": "PRODUCTION_TRAFFIC_SHIFT", "steps": [100]},
            "test": {"stage": "TEST_TRAFFIC_SHIFT", "steps": [100]}
          },
          "hook_limits": {
            "lambda": {"count": 10, "timeout_minutes_minimum": 1, "timeout_minutes_maximum": 1440,
                       "timeout_minutes_default": 1440},
            "pause": {"count": 10, "timeout_minutes_minimum": 1, "timeout_minutes_maximum": 20160,
                      "timeout_minutes_default": 1440}
          },
          "rollback": {
            "ends_run": true,
            "revisit": ["PRODUCTION_TRAFFIC_SHIFT", "TEST_TRAFFIC_SHIFT"],
            "on": ["hook-failed", "hook-timed-out", "phase-failed", "breaker", "alarm"]
          },
          "breaker": {"percent": 50, "minimum": 3, "maximum": 200}
        }
        """#
}
