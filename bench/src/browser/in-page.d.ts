export function faintTexts(): string[];
export function overflowing(): string[];
export function isStill(): boolean;
export function listsOnly(part: string): boolean;
