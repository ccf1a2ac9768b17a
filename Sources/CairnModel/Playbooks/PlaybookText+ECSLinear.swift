extension PlaybookLibrary {
    /// Amazon ECS linear: equal steps, each baked but the last. A talk says 3 to 99.9 percent; AWS takes 100.0 too.
    static let ecsLinearText = #"""
        {
          "extends": "ecs-blue-green",
          "id": "ecs-linear",
          "title": "Amazon ECS linear",
          "parameters": [
            {"name": "step_percent", "minimum": 3, "maximum": 100, "multiple_of": 0.1, "default": 10},
            {"name": "step_bake_minutes", "minimum": 0, "maximum": 1440, "default": 6},
            {"name": "bake_minutes", "minimum": 0, "maximum": 1440, "default": 0}
          ],
          "traffic": {
            "production": {"stage": "PRODUCTION_TRAFFIC_SHIFT", "steps": {"every": "step_percent"},
                           "bake_minutes": "step_bake_minutes"},
            "test": {"stage": "TEST_TRAFFIC_SHIFT", "steps": [100]}
          }
        }
        """#
}
