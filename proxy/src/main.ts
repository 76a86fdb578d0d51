#!/usr/bin/env node
/** The `larder` command. Nothing else is loaded before this Node is known to be new enough to load it. */

const OLDEST = 24;

if (Number.parseInt(process.versions.node, 10) < OLDEST) {
  process.stderr.write(`larder: Node.js ${OLDEST} or newer is needed, this is ${process.version}.\n`);
  process.exitCode = 2;
} else {
  const { run } = await import('./cli/run.ts');
  // At once: whatever is still open then belongs to something that has ended.
  process.exit(await run(process.argv.slice(2)));
}
