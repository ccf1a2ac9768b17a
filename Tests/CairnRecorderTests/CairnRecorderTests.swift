// The tests of CairnRecorder.
