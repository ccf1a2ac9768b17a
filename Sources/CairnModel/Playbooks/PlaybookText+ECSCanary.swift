extension PlaybookLibrary {
    /// Amazon ECS canary: two steps. A talk says 0.1 to 99.9 percent; the API takes up to 100.0.
    static let ecsCanaryText = #"""
        {
          "extends": "ecs-blue-green",
          "id": "ecs-canary",
          "title": "Amazon ECS canary",
          "parameters": [
            {"name": "canary_percent", "minimum": 0.1, "maximum": 100, "multiple_of": 0.1, "default": 5},
            {"name": "canary_bake_minutes", "minimum": 0, "maximum": 1440, "default": 10},
            {"name": "bake_minutes", "minimum": 0, "maximum": 1440, "default": 0}
          ],
          "traffic": {
            "production": {"stage": "PRODUCTION_TRAFFIC_SHIFT", "steps": ["canary_percent", 100],
                           "bake_minutes": "canary_bake_minutes"},
            "test": {"stage": "TEST_TRAFFIC_SHIFT", "steps": [100]}
          }
        }
        """#
}
