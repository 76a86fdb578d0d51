/** How far a long job is: a bar on a terminal, a line for every quarter elsewhere. */
export interface Progress {
  step: string;
  /** From 0 to 1, within the step. */
  part: number;
}

const WIDTH = 30;
const INTERVAL_MS = 100;

/** The function to call with each progress; it draws no more often than a person can see. */
export function progressTo(stream: NodeJS.WriteStream): (progress: Progress) => void {
  return stream.isTTY ? barOn(stream) : linesOn(stream);
}

function barOn(stream: NodeJS.WriteStream): (progress: Progress) => void {
  let drawn = 0;
  return ({ step, part }) => {
    const done = part >= 1;
    if (!done && performance.now() - drawn < INTERVAL_MS) return;
    drawn = performance.now();
    const filled = Math.round(Math.min(part, 1) * WIDTH);
    const bar = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`;
    stream.write(
      `\r${step.padEnd(8)} ${bar} ${String(Math.floor(Math.min(part, 1) * 100)).padStart(3)} %${done ? '\n' : ''}`,
    );
  };
}

function linesOn(stream: NodeJS.WriteStream): (progress: Progress) => void {
  const told = new Map<string, number>();
  return ({ step, part }) => {
    const quarter = Math.floor(Math.min(part, 1) * 4);
    if (quarter <= (told.get(step) ?? 0)) return;
    told.set(step, quarter);
    stream.write(`${step} ${quarter * 25} %\n`);
  };
}
