/// What `queries/README.md` says of the functions.
extension SamplesFunction {
    /// The function with its arguments.
    var call: String {
        switch self {
        case .samples: "samples(metric, matchers, t0, t1)"
        case .statistics: "sample_stats(metric, matchers, t0, t1, step)"
        }
    }

    var page: String {
        switch self {
        case .samples:
            """
            One row: one sample. The samples lie in the log and in no table, so this function is there in `cairn query` and in \
            saved queries, and not in other SQLite tools, which have `sample_rollups`.

                SELECT ts, value FROM samples('http_requests_total', '{app="shop"}', '2026-03-10T08:00:00Z', NULL)

            `metric` is the name, `matchers` a selector as in PromQL; either may be null. `t0` is included and `t1` is not; both \
            are RFC 3339 text or microseconds since 1970, and null means open. Of different values told for one moment the \
            first to arrive counts; a fifth argument, `'every'`, gives the others too. `ORDER BY ts` costs no sort.
            """
        case .statistics:
            """
            One row: the numbers of one series in one step of time. For long times and many series: rows of `samples` cost more \
            than reading the samples does, and a window that lies within a step is answered from its directory, without \
            reading them. Dropping the raw batches changes nothing here.

                SELECT ts, maximum, total / samples AS average
                FROM sample_stats('cpu_usage_user', '{cluster="old"}', '2026-03-10T00:00:00Z', NULL, '1h')

            The first four arguments are those of `samples`. `step` is a text such as `30s`, `5m`, `1h` or `1d`, or \
            microseconds; steps begin at whole multiples of it since 1970. Null or left out: one row for each series. Stale \
            markers and other NaN are left out, and steps without a number have no row.
            """
        }
    }

    /// What the columns say.
    var meanings: [(name: String, meaning: String)] {
        let common = [
            ("series", "number of the series, see `series`"), ("name", "metric name"), ("cluster", "its label cluster"),
            ("app", "its label app"), ("labels", "all its labels, JSON object"),
            ("key", "name and labels as PromQL writes them"),
        ]
        switch self {
        case .samples:
            return common + [
                ("ts", "the moment, RFC 3339 in UTC with milliseconds; sorts as text"),
                ("ts_us", "the moment, microseconds since 1970, to compare with the columns that end in `_us`"),
                ("value", "the value; null for NaN, which SQLite does not have"),
                ("note", "`stale` where the series ended, `NaN` for any other that is no number, else null"),
                (
                    "ordinal",
                    "0; with the fifth argument above 0 for a value that came after another for the same moment"
                ),
            ]
        case .statistics:
            return common + [
                ("ts", "start of the step, or the moment of the first number; RFC 3339 in UTC with milliseconds"),
                ("ts_us", "the same, microseconds since 1970"), ("samples", "numbers in the step"),
                ("minimum", "the least of them"), ("maximum", "the greatest of them"), ("total", "their sum"),
                ("first", "the first of them"), ("first_us", "its moment, microseconds since 1970"),
                ("last", "the last of them"), ("last_us", "its moment, microseconds since 1970"),
            ]
        }
    }
}
