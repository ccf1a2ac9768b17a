// The tests of CairnReadModels.
