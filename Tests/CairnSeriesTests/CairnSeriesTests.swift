// The tests of CairnSeries.
