/**
 * Runs before `npm start` and `npm test`, in plain JavaScript that Node 20 can read: says what is about to run, or in
 * one sentence what is missing.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OLDEST = 24;

const readJson = (path) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'));

/** Names of what package.json files ask for and node_modules does not hold. */
function missingPackages() {
  const root = readJson('package.json');
  const manifests = [root, ...root.workspaces.map((workspace) => readJson(join(workspace, 'package.json')))];
  const wanted = manifests.flatMap(({ dependencies, devDependencies }) =>
    Object.keys({ ...dependencies, ...devDependencies }),
  );
  const places = ['node_modules', ...root.workspaces.map((workspace) => join(workspace, 'node_modules'))];
  const isThere = (name) => places.some((place) => existsSync(join(ROOT, place, name, 'package.json')));
  return [...new Set(wanted)].filter((name) => !isThere(name));
}

/** What to do about it; null where all is well. */
function problem() {
  const missing = missingPackages();
  if (missing.length > 0)
    return `Packages are missing (${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ', …' : ''}): run \`npm ci\` first.`;
  if (Number.parseInt(process.versions.node, 10) >= OLDEST) return null;
  // On Linux and Windows `npm ci` brings Node along, and `npm run` finds it before the machine's own.
  const brought = existsSync(join(ROOT, 'node_modules/.bin/node'));
  const advice = brought ? 'start it through npm (`npm start`, `npm test`)' : `install Node.js ${OLDEST} or newer`;
  return `Node.js ${OLDEST} or newer is needed, and this is ${process.version}: ${advice}.`;
}

const WHAT = {
  start: 'the demo: a cloud app, a link that can be cut, and an edge',
  test: 'every test, with real processes, databases and sockets; this takes minutes',
};

const found = problem();
if (found === null) {
  const what = WHAT[process.env.npm_lifecycle_event] ?? 'nothing; this was only a check';
  process.stdout.write(`Larder on Node.js ${process.versions.node}, about to run ${what}.\n`);
} else {
  process.stderr.write(`${found}\n`);
  process.exitCode = 1;
}
