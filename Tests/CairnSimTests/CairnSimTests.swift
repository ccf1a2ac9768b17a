// The tests of CairnSim.
