// The tests of CairnYAML.
