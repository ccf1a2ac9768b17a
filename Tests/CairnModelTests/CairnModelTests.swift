// The tests of CairnModel.
