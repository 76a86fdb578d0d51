/**
 * Whether what lies on disk may be believed after a restart: a file that says so. It is taken away when a removal could
 * not be written, which a disk that is full still allows.
 */
import { access, open, rm } from 'node:fs/promises';
import { join } from 'node:path';

const yes = () => true;
const no = () => false;

export class Trust {
  readonly #directory: string;
  readonly #path: string;

  /** `directory` exists. */
  constructor(directory: string) {
    this.#directory = directory;
    this.#path = join(directory, 'trusted');
  }

  stands(): Promise<boolean> {
    return access(this.#path).then(yes, no);
  }

  /** Where it cannot be given, the next start merely begins with nothing. */
  async give(): Promise<void> {
    const file = await open(this.#path, 'a', 0o600).catch(() => null);
    await file?.close();
  }

  /** From the next start on. False where even that cannot be written. */
  withdraw(): Promise<boolean> {
    return rm(this.#path, { force: true })
      .then(() => sync(this.#directory))
      .then(yes, no);
  }
}

/** So that what was removed from a directory is not there again after a power cut. */
async function sync(directory: string): Promise<void> {
  const handle = await open(directory);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
