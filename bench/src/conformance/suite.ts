/** The public suite `http-cache-tests`: where its parts lie, in the released package and in a checkout of its repository. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** `required`: by the RFCs. `optimal`: allowed, and what a good cache does. `check`: how a cache behaves, without a verdict. */
export type Kind = 'required' | 'optimal' | 'check';

export interface SuiteTest {
  id: string;
  name: string;
  kind: Kind;
  /** What this test shows means nothing where one of these fails. */
  dependsOn: readonly string[];
}

export interface Suite {
  directory: string;
  /** The released package; a checkout has another layout, and tests that are newer. */
  released: boolean;
  /** Those that apply to a proxy. */
  tests: readonly SuiteTest[];
}

/** Paths below a suite's directory. */
export const PARTS = {
  released: { server: 'server/server.mjs', runner: 'client/runner.mjs' },
  checkout: { server: 'test-engine/server/server.mjs', runner: 'test-engine/client/runner.mjs' },
} as const;

export const partsOf = ({ released }: Pick<Suite, 'released'>) => (released ? PARTS.released : PARTS.checkout);

/** A group of tests as the suite's files have it. */
interface Group {
  tests: { id: string; name: string; kind?: Kind; depends_on?: string[]; browser_only?: boolean }[];
}

/** Every group, as the suite's own runner wants it. */
export async function loadGroups(directory: string): Promise<Group[]> {
  const { href } = pathToFileURL(join(directory, 'tests/index.mjs'));
  return ((await import(href)) as { default: Group[] }).default;
}

/** Reads the suite in `directory`; without one, the package that is installed here. */
export async function loadSuite(directory: string = installed()): Promise<Suite> {
  const groups = await loadGroups(directory);
  const tests = groups.flatMap((group) => group.tests).filter((test) => test.browser_only !== true);
  return {
    directory,
    released: !existsSync(join(directory, PARTS.checkout.runner)),
    tests: tests.map(({ id, name, kind = 'required', depends_on: dependsOn = [] }) => ({ id, name, kind, dependsOn })),
  };
}

const installed = () => dirname(createRequire(import.meta.url).resolve('http-cache-tests/package.json'));
