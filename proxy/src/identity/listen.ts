/** What the cloud does with users' credentials, overheard where all requests to it pass. */
import type { App } from '@larder/sync/profile';
import { compileRoutes } from '@larder/sync/route';
import type { PooledCloud } from '../cloud.ts';
import type { Identity } from './identity.ts';

/**
 * Only of routes that the profile lists as reads: what else a cloud answers, a page for everybody for instance, it may
 * answer without a look at the credential.
 */
export function listenTo(cloud: PooledCloud, app: Pick<App, 'reads'>, identity: Pick<Identity, 'heard'>): PooledCloud {
  const reads = compileRoutes(app.reads);
  return {
    async request(request) {
      const answer = await cloud.request(request);
      const { authorization } = request.headers;
      const path = request.path.split('?', 1)[0] ?? '';
      if (typeof authorization === 'string' && reads.match('GET', path) !== null)
        identity.heard(authorization, answer.status);
      return answer;
    },
    renew: () => cloud.renew(),
    close: () => cloud.close(),
  };
}
