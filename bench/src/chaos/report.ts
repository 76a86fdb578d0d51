/** What a run has to say, for people. */
import { FINDINGS, type Findings } from './checks.ts';
import type { Summary, TrialResult } from './campaign.ts';
import { PHASES } from './trial.ts';

/** One line for each trial, as it ends. */
export function lineOf({ trial, plan, outcome, error, seconds }: TrialResult): string {
  const faults = plan.faults.map(({ fault }) => fault).join(' ');
  const head = `trial ${trial} (${plan.database}${plan.fresh ? ', fresh' : ''}; ${faults})`;
  if (outcome === null) return `${head} broke down: ${error?.split('\n')[0]}`;
  const found = FINDINGS.filter((name) => outcome.findings[name].length > 0);
  const drained = `drained in ${(outcome.drained / 1000).toFixed(1)} s`;
  const verdict = found.length === 0 ? 'well' : `FAILED: ${found.join(', ')}`;
  return `${head} ${verdict}; ${outcome.acknowledged} acknowledged, ${drained}, ${seconds.toFixed(1)} s in all (${phasesOf(outcome.phases)})`;
}

export function textOf(summary: Summary): string {
  const faults = Object.entries(summary.faults).map(([name, count]) => `  ${name.padEnd(18)} ${count}`);
  const databases = Object.entries(summary.databases).map(([name, count]) => `${count} on ${name}`);
  return [
    '',
    `seed ${summary.seed}: ${summary.trials} trials in ${summary.seconds} s, ${databases.join(', ')}`,
    'faults',
    ...faults,
    `acknowledged         ${summary.acknowledged} writes, ${summary.reads} reads checked`,
    ...FINDINGS.map((name) => `${wordsOf(name).padEnd(20)} ${summary.found[name]}`),
    `slowest to drain     ${(summary.slowestDrain / 1000).toFixed(1)} s after the link's return`,
    `a trial's time       ${phasesOf(summary.phases)}`,
    ...summary.failed.flatMap(failureOf),
    summary.passed === summary.trials ? 'all passed' : `${summary.trials - summary.passed} FAILED`,
    '',
  ].join('\n');
}

/** `failedReads`: failed reads. */
const wordsOf = (name: keyof Findings) => name.replace(/[A-Z]/, (letter) => ` ${letter.toLowerCase()}`);

const phasesOf = (phases: Summary['phases']) =>
  PHASES.map((phase) => `${phase} ${(phases[phase] / 1000).toFixed(1)} s`).join(', ');

const MOST = 5;

function failureOf({ trial, folder, error, findings }: Summary['failed'][number]): string[] {
  const sentences = FINDINGS.flatMap((name) => (findings?.[name] ?? []).map((what) => `  ${name}: ${what}`));
  const more = sentences.length > MOST ? [`  … and ${sentences.length - MOST} more`] : [];
  return [
    `trial ${trial} failed; what it left is in ${folder}`,
    ...(error === null ? [] : [`  ${error}`]),
    ...sentences.slice(0, MOST),
    ...more,
  ];
}
