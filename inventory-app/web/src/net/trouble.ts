/** What went wrong with a request, in a form that the page can put into anybody's language. */

export interface Conflict {
  field: string;
  current?: unknown;
}

export interface Problem {
  status?: number;
  /** The app's or the edge's own, of their tables of errors; `no-answer` and `not-the-app` are made here. */
  code?: string;
  /** As whoever refused it says it, in English. */
  said?: string;
  conflicts?: Conflict[];
  /** Nobody knows whether it was done. */
  lost?: boolean;
}

export class Trouble extends Error {
  override readonly name = 'Trouble';
  readonly status: number;
  readonly code: string;
  readonly said: string;
  readonly conflicts: readonly Conflict[];
  readonly lost: boolean;

  constructor({ status = 0, code = '', said = '', conflicts = [], lost = false }: Problem) {
    super(said === '' ? code : said);
    this.status = status;
    this.code = code;
    this.said = said;
    this.conflicts = conflicts;
    this.lost = lost;
  }

  /** Neither edge nor cloud has answered: only this device is left. */
  get isSilence(): boolean {
    return this.code === 'no-answer' || this.code === 'not-the-app' || this.code === 'LARDER_OFFLINE';
  }
}
