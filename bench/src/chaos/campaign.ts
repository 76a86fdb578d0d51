/** A run of many trials: some at a time, what failed kept, all of it counted. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FINDINGS, type Findings } from './checks.ts';
import { FAULT_NAMES, type FaultName } from './faults.ts';
import { planOf, type Plan } from './plan.ts';
import { makeTemplates, type Templates } from './template.ts';
import { PHASES, runTrial, type Outcome, type Phase } from './trial.ts';

export interface CampaignOptions {
  seed: number;
  trials: number;
  /** The number of the first: with `trials` 1, one trial of a longer run is run again. */
  from: number;
  databases: readonly Plan['database'][];
  faults: readonly FaultName[];
  /** Trials at the same time. */
  jobs: number;
  /** Where the folders of failed trials go. */
  keep: string;
  /** A trial has ended. */
  ended?(result: TrialResult): void;
}

export interface TrialResult {
  trial: number;
  plan: Plan;
  /** Null: the trial itself broke down. */
  outcome: Outcome | null;
  error: string | null;
  seconds: number;
  /** What is kept of it; null where it passed. */
  folder: string | null;
}

export interface Summary {
  seed: number;
  trials: number;
  passed: number;
  seconds: number;
  databases: Record<string, number>;
  faults: Partial<Record<FaultName, number>>;
  acknowledged: number;
  reads: number;
  /** The slowest return to "nothing waits" after the link's, ms. */
  slowestDrain: number;
  /** What a trial spends its time on, ms, in the mean. */
  phases: Record<Phase, number>;
  /** How many of each, in all trials. */
  found: Record<keyof Findings, number>;
  failed: { trial: number; seed: number; folder: string | null; error: string | null; findings: Findings | null }[];
}

/** Runs the trials; leaves no process and, of trials that passed, no file. */
export async function runCampaign(options: CampaignOptions): Promise<Summary> {
  const started = performance.now();
  const directory = mkdtempSync(join(tmpdir(), 'larder-chaos-'));
  await compileOnce((process.env['NODE_COMPILE_CACHE'] ??= join(directory, 'compiled')));
  try {
    const templates = await makeTemplates(join(directory, 'templates'), options.databases);
    try {
      const results = await runAll(options, templates, directory);
      return summaryOf(options, results, (performance.now() - started) / 1000);
    } finally {
      await templates.close();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * What the template's processes compile the trials' need not: starts are most of what a trial costs. What only trials
 * load is compiled here, because a process that is killed leaves nothing in the cache.
 */
async function compileOnce(cache: string): Promise<void> {
  enableCompileCache(cache);
  await Promise.all([import('./clock-shim.ts'), import('./next-release.ts')]);
  flushCompileCache();
}

async function runAll(options: CampaignOptions, templates: Templates, directory: string): Promise<TrialResult[]> {
  const results: TrialResult[] = [];
  let next = options.from;
  const worker = async () => {
    while (next < options.from + options.trials) {
      const trial = next;
      next += 1;
      const result = await runOne(options, templates, join(directory, `trial-${trial}`), trial);
      results.push(result);
      options.ended?.(result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, options.trials) }, worker));
  return results.sort((a, b) => a.trial - b.trial);
}

async function runOne(
  { seed, databases, faults, keep }: CampaignOptions,
  templates: Templates,
  directory: string,
  trial: number,
): Promise<TrialResult> {
  const plan = planOf(seed, trial, { databases, faults });
  const template = templates[plan.database];
  if (template === undefined) throw new Error(`there is no template for ${plan.database}`);
  const started = performance.now();
  const result = await runTrial(plan, template, directory).then(
    (outcome) => ({ outcome, error: null }),
    (error: unknown) => ({
      outcome: null,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const folder = hasPassed(result.outcome) ? null : keepFolder(directory, join(keep, `seed-${seed}-trial-${trial}`));
  const full = { trial, plan, seconds, folder, ...result };
  if (folder !== null) writeFileSync(join(folder, 'result.json'), `${JSON.stringify(full, null, 2)}\n`);
  rmSync(directory, { recursive: true, force: true });
  return full;
}

const hasPassed = (outcome: Outcome | null) =>
  outcome !== null && FINDINGS.every((name) => outcome.findings[name].length === 0);

function keepFolder(directory: string, folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(directory, folder, { recursive: true });
  return folder;
}

function summaryOf({ seed }: CampaignOptions, results: TrialResult[], seconds: number): Summary {
  const outcomes = results.flatMap(({ outcome }) => (outcome === null ? [] : [outcome]));
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const faults = results.flatMap(({ plan }) => plan.faults.map(({ fault }) => fault));
  const counted = FAULT_NAMES.map((name) => [name, faults.filter((fault) => fault === name).length] as const);
  const failed = results.filter(({ outcome }) => !hasPassed(outcome));
  const databases = Map.groupBy(results, ({ plan }) => plan.database);
  return {
    seed,
    trials: results.length,
    passed: results.length - failed.length,
    seconds: Math.round(seconds),
    databases: Object.fromEntries([...databases].map(([name, of]) => [name, of.length])),
    faults: Object.fromEntries(counted.filter(([, count]) => count > 0)),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    reads: sum(({ reads }) => reads),
    slowestDrain: Math.round(Math.max(0, ...outcomes.map(({ drained }) => drained))),
    phases: Object.fromEntries(
      PHASES.map((phase) => [phase, Math.round(sum(({ phases }) => phases[phase]) / Math.max(1, outcomes.length))]),
    ) as Summary['phases'],
    found: Object.fromEntries(
      FINDINGS.map((name) => [name, sum(({ findings }) => findings[name].length)]),
    ) as Summary['found'],
    failed: failed.map(({ trial, plan, outcome, error, folder }) => ({
      trial,
      seed: plan.seed,
      folder,
      error,
      findings: outcome?.findings ?? null,
    })),
  };
}
