import unittest


def run(cases):
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(cases)
    result = unittest.TestResult()
    result.failfast = True
    suite.run(result)
    for test, trace in result.errors + result.failures:
        raise AssertionError("%s: %s" % (test.id(), trace.strip().splitlines()[-1]))
    if not result.testsRun or result.unexpectedSuccesses:
        raise AssertionError("no test ran")
