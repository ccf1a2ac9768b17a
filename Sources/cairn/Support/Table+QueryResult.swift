import CairnWeb

/// The rows a command prints; the read models have tables of another kind.
typealias Table = CairnWeb.Table
