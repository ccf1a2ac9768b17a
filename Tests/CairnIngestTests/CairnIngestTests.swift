// The tests of CairnIngest.
