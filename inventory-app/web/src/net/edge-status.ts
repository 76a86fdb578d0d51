/** The edge's own account of itself, looked at again and again. */
import { useQuery } from '@tanstack/react-query';

/** The part of `/_edge/status` that the page shows. */
export interface EdgeStatus {
  link: { state: 'online' | 'doubtful' | 'offline' | 'returning'; held: boolean };
  queue: { length: number; inbox: number } | null;
  replica: { complete: boolean; feed: { asOf: string | null } } | null;
  people: object | null;
}

/** `none`: the cloud answers itself; `silent`: nothing answers at all. */
export type Edge = EdgeStatus | 'none' | 'silent';

const LOOK_EVERY = 2_000;
/** Where there is no edge, one may come to be; nothing hurries. */
const LOOK_FOR_EDGE_EVERY = 10_000;
const PATIENCE = 4_000;

async function look(): Promise<Edge> {
  try {
    const response = await fetch('/_edge/status', { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE) });
    return response.ok ? ((await response.json()) as EdgeStatus) : 'none';
  } catch {
    return 'silent';
  }
}

/** Undefined until it was looked at for the first time. */
export function useEdge(): Edge | undefined {
  const { data } = useQuery({
    queryKey: ['edge'],
    queryFn: look,
    refetchInterval: ({ state }) => (state.data === 'none' ? LOOK_FOR_EDGE_EVERY : LOOK_EVERY),
    networkMode: 'always',
  });
  return data;
}
