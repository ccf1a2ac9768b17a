import CairnBytes
import HTTPTypes

/// The routes as an OpenAPI 3.1 document, for programs that make clients, and for those that try to break servers.
struct OpenAPI {
    let routes: [Route]
    let version: String

    var json: JSONValue {
        var paths = JSONObject()
        for route in routes where route.audience == .programs {
            // OpenAPI has no name for the rest of a path: one part stands for it.
            let path = route.path.replacing("...}", with: "}")
            var operations = paths[path]?.object ?? JSONObject()
            operations[route.method.rawValue.lowercased()] = operation(route)
            paths[path] = .object(operations)
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Cairn", "version": .string(version),
                "description": "The flight recorder of zero-downtime migrations.",
            ],
            "paths": .object(paths),
            "components": [
                "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]],
                "schemas": ["Problem": OpenAPI.problem],
            ],
        ]
    }

    private static let problem: JSONValue = [
        "type": "object", "required": ["type", "title", "status", "code", "detail"],
        "properties": [
            "type": ["type": "string"], "title": ["type": "string"], "status": ["type": "integer"],
            "code": ["type": "string"], "detail": ["type": "string"], "remedy": ["type": "string"],
        ],
    ]

    /// Every refusal there is; which of them a route can give follows from what it takes.
    private static let refusals: [(Int, String)] = [
        (400, "The request cannot be understood."), (401, "No valid token was shown."),
        (403, "The token does not hold the scope."), (404, "There is no such thing."),
        (405, "The path has no such method."), (408, "The body took too long."),
        (409, "A rule, a revision or an identity stands against it."),
        (413, "The body is too large."), (415, "The body is of a type that is not taken."),
        (422, "It cannot be done as it is."), (429, "Too many calls."), (503, "Come back later: see Retry-After."),
    ]

    private func operation(_ route: Route) -> JSONValue {
        var responses = JSONObject()
        var success: JSONObject = ["description": .string(route.summary)]
        if !route.answerTypes.isEmpty, route.successStatus != .noContent {
            success["content"] = OpenAPI.content(of: route.answerTypes)
        }
        responses["\(route.successStatus.code)"] = .object(success)
        // A command that was recorded before is no new one.
        if route.successStatus == .created { responses["200"] = .object(success) }
        if route.mayTakeLong {
            responses["202"] = [
                "description": "The answer is being made: ask again after Retry-After.",
                "content": OpenAPI.content(of: [MediaTypes.json]),
            ]
        }
        for (status, meaning) in OpenAPI.refusals {
            responses["\(status)"] = [
                "description": .string(meaning),
                "content": [
                    MediaTypes.problem: ["schema": ["$ref": "#/components/schemas/Problem"]],
                    "text/plain": ["schema": ["type": "string"]], "application/json": ["schema": [:]],
                ],
            ]
        }
        var operation: JSONObject = [
            "summary": .string(route.summary), "operationId": .string(OpenAPI.name(of: route)),
            "responses": .object(responses),
        ]
        if !route.parameters.isEmpty { operation["parameters"] = .array(route.parameters.map(OpenAPI.parameter)) }
        if !route.bodyTypes.isEmpty {
            let types = route.bodyTypes.map { $0 == "*/*" ? "application/octet-stream" : $0 }
            operation["requestBody"] = [
                "required": .bool(!route.bodyTypes.contains("*/*")),
                "content": OpenAPI.content(of: types),
            ]
        }
        if route.access != .open {
            operation["security"] = [["token": []]]
            operation["x-cairn-scope"] = .string(route.neededScope)
        }
        return .object(operation)
    }

    private static func content(of types: [String]) -> JSONValue {
        var content = JSONObject()
        for type in types { content[type] = ["schema": type.contains("json") ? [:] : ["type": "string"]] }
        return .object(content)
    }

    private static func name(of route: Route) -> String {
        let path = route.path.map { $0.isLetter || $0.isNumber ? $0 : "_" }
        return "\(route.method.rawValue.lowercased())\(String(path))"
    }

    /// Beyond it programs that read numbers as doubles lose digits.
    private static let positionMax: Int64 = 1 << 53 - 1
    /// Each may be 12 bytes a character in a target of 16 KiB.
    private static let textsMax = 3

    private static func parameter(_ parameter: Route.Parameter) -> JSONValue {
        var schema: JSONObject =
            switch parameter.kind {
            case .text: ["type": "string", "maxLength": .integer(parameter.charactersMax)]
            case .texts:
                [
                    "type": "array", "maxItems": .integer(textsMax),
                    "items": ["type": "string", "maxLength": .integer(parameter.charactersMax)],
                ]
            case .integer: ["type": "integer", "minimum": 0, "maximum": .integer(positionMax)]
            case .number(let max): ["type": "integer", "minimum": 0, "maximum": .integer(max)]
            case .seconds(let max): ["type": "number", "exclusiveMinimum": 0, "maximum": .number(max)]
            case .flag: ["type": "boolean", "default": false]
            // RFC 3339, a day alone, or relative.
            case .time:
                [
                    "type": "string",
                    "anyOf": [
                        ["format": "date-time"], ["format": "date"],
                        ["pattern": "^([+-]([0-9]{1,6}[smhdw]){1,2}|now)$"],
                    ],
                    "examples": ["2026-01-01T10:00:00Z", "-2h"],
                ]
            case .choice(let values): ["type": "string", "enum": .array(values.map { .string($0) })]
            }
        if parameter.place == .path { schema["minLength"] = 1 }
        if let usual = parameter.usual { schema["default"] = .string(usual) }
        return [
            "name": .string(parameter.name), "in": .string(parameter.place.rawValue),
            "required": .bool(parameter.isRequired || parameter.place == .path),
            "description": .string(parameter.meaning), "schema": .object(schema),
        ]
    }
}
