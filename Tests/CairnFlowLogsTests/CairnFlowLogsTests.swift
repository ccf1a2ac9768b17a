// The tests of CairnFlowLogs.
