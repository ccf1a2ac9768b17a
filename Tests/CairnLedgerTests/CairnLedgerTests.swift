// The tests of CairnLedger.
