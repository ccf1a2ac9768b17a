extension PlaybookLibrary {
    /// Amazon ECS rolling: tasks are replaced within the capacity limits. AWS reports neither stages nor weights for
    /// it, so the stages are Cairn's own names: the replacement as a whole, and the time in which alarms still count.
    static let ecsRollingText = #"""
        {
          "id": "ecs-rolling",
          "title": "Amazon ECS rolling",
          "kind": "deployment",
          "open_stages": true,
          "timeout_seconds": 2592000,
          "stages": [
            {"name": "ROLL_OUT", "title": "Tasks are replaced within the capacity limits",
             "capacity": {"source": 0, "target": 100},
             "back": {"to": "ROLL_OUT", "how": "Tasks of the last completed deployment again."}},
            {"name": "BAKE_TIME", "title": "Alarms are watched", "optional": true,
             "complete": [{"bake": "bake_minutes"}], "capacity": {"source": 0, "target": 100},
             "back": {"to": "ROLL_OUT", "how": "Tasks of the last completed deployment again."}}
          ],
          "parameters": [
            {"name": "minimum_healthy_percent", "minimum": 0, "maximum": 100, "multiple_of": 1, "default": 100},
            {"name": "maximum_percent", "minimum": 100, "maximum": 100000, "multiple_of": 1, "default": 200},
            {"name": "bake_minutes", "minimum": 0, "maximum": 1440, "default": 0}
          ],
          "rollback": {"ends_run": true, "on": ["phase-failed", "breaker", "alarm"]},
          "breaker": {"percent": 50, "minimum": 3, "maximum": 200}
        }
        """#
}
