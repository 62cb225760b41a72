const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** A moment as pages show it: relative words, the exact time on hover. */
export interface Moment {
  readonly iso: string;
  readonly exact: string;
  /** "just now", "5 min ago", "2 d ago". */
  readonly ago: string;
  /** "under a minute", "5 min", "2 d". */
  readonly span: string;
}

/** `at` and `now` in Unix milliseconds. */
export function moment(at: number, now: number): Moment {
  const iso = new Date(at).toISOString();
  const exact = `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
  const elapsed = Math.max(0, now - at);
  if (elapsed < minute) return { iso, exact, ago: "just now", span: "under a minute" };
  const span = roughly(elapsed);
  return { iso, exact, ago: `${span} ago`, span };
}

function roughly(milliseconds: number): string {
  if (milliseconds < hour) return `${Math.floor(milliseconds / minute)} min`;
  if (milliseconds < 2 * day) return `${Math.floor(milliseconds / hour)} h`;
  return `${Math.floor(milliseconds / day)} days`;
}

/** How long something took: "0.8 s", "42 s", "3 min 5 s". */
export function duration(milliseconds: number): string {
  if (milliseconds < 10 * second) return `${(milliseconds / second).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / second);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
