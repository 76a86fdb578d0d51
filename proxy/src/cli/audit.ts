/** `larder audit`: compares the replica of a running edge with the cloud, and mends what has drifted. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LarderError } from '@larder/sync/errors';
import type { AuditReport, AuditStatus, Found } from '@larder/sync/client';
import type { Status } from '../console/status.ts';
import { columns, noneLeft, parse } from './command.ts';
import type { Command } from './command.ts';
import { askEdge, OPERATOR_HELP, OPERATOR_OPTIONS, operatorToken } from './remote.ts';
import type { Address } from './remote.ts';

const OPTIONS = {
  ...OPERATOR_OPTIONS,
  json: { type: 'boolean', default: false },
} as const;

/** Between two looks at how far it has come, ms. */
const LOOK = 250;

export const audit: Command = {
  help: () =>
    [
      'Usage: larder audit [options]',
      '',
      'Compares every document of the replica with the cloud. What has drifted is mended; exit code 0 says that all',
      'is equal now. Reads and writes go on meanwhile.',
      '',
      columns([...OPERATOR_HELP, ['--json', 'Print what was found as JSON, and no progress.']]),
    ].join('\n'),

  async run(args) {
    const { values, positionals } = parse(args, OPTIONS);
    noneLeft(positionals);
    const token = operatorToken(values.data);
    const { run } = await askEdge<{ run: number }>(values, {
      method: 'POST',
      path: '/_edge/audit',
      token,
      body: {},
    });
    const report = await endOf(values, run, values.json ? () => undefined : showProgress());
    process.stdout.write(`${values.json ? JSON.stringify(report) : summaryOf(report)}\n`);
    return 0;
  },
};

/** What came of an audit. @throws LarderError `LARDER_AUDIT_FAILED`, with the reason */
async function endOf(edge: Address, run: number, show: (status: AuditStatus) => void): Promise<AuditReport> {
  for (;;) {
    const { replica } = await askEdge<Status>(edge, { method: 'GET', path: '/_edge/status' });
    const status = replica?.audit;
    // A smaller number: the edge was started anew meanwhile, and the audit ended with it.
    if (status === undefined || status.run < run)
      throw new LarderError('LARDER_AUDIT_FAILED', 'The edge has restarted.');
    if (status.running === null && status.failed !== null)
      throw new LarderError('LARDER_AUDIT_FAILED', `${status.failed}.`);
    if (status.running === null && status.last !== null) return status.last;
    show(status);
    await sleep(LOOK);
  }
}

/** A line for each resource, on the standard error: the result alone is the output. */
function showProgress(): (status: AuditStatus) => void {
  let shown = '';
  return ({ running }) => {
    if (running === null || running.resource === shown) return;
    shown = running.resource;
    process.stderr.write(`${running.checked} documents checked, now: ${shown}\n`);
  };
}

export function summaryOf({ checked, drifted, unconfirmed, resources }: AuditReport): string {
  const drift = ({ changed, missing, extra }: Found) => `${changed} changed, ${missing} missing, ${extra} extra`;
  const rows = Object.entries(resources)
    .filter(([, { changed, missing, extra }]) => changed + missing + extra > 0)
    .map(([name, found]): [string, string] => [name, drift(found)]);
  const doubt = unconfirmed === 0 ? '' : ` ${unconfirmed} differ, which the profile has no way to confirm.`;
  const mended = drifted === 0 ? '' : ' All of them were mended.';
  const sentence = `Checked ${checked} documents, ${drifted} drifted.${mended}${doubt}`;
  return rows.length === 0 ? sentence : `${sentence}\n${columns(rows)}`;
}
