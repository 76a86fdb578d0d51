/** Prints the line that counts the tests of a vitest report. No report, or one without tests, is a failure. */
import { readFileSync } from 'node:fs';

interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numFailedTestSuites: number;
}

const report = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Report;
// A file that cannot even be loaded has no tests that could fail.
const failed = Math.max(report.numFailedTests, report.numFailedTestSuites > 0 ? 1 : 0);
const skipped = report.numPendingTests === 0 ? '' : `, ${report.numPendingTests} skipped`;
process.stdout.write(`${report.numPassedTests} passed, ${failed} failed${skipped}\n`);
if (report.numPassedTests === 0) process.exitCode = 1;
