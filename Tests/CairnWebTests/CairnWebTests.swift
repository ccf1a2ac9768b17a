// The tests of CairnWeb.
