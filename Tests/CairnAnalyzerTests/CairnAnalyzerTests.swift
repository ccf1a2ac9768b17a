// The tests of CairnAnalyzer.
