/** Between the app's rules, which throw problems, and the edge, which takes refusals. */
import { Refusal } from '@larder/sync/profile';
import { problemAnswer } from '../rules/answers.ts';
import { ProblemError } from '../rules/problems.ts';

/** Runs a check; a problem becomes the answer that the cloud would give. */
export function refusing<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof ProblemError ? new Refusal(problemAnswer(error)) : error;
  }
}
