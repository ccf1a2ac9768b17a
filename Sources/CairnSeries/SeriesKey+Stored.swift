extension SeriesKey {
    /// A key from a store that took it apart: its labels were checked and sorted when it was made.
    package init(name: String, storedLabels labels: [Label]) {
        self.name = name
        self.labels = labels
    }
}
