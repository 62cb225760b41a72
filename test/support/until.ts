import { setTimeout as delay } from "node:timers/promises";

/** Resolves with the first value of `probe` that is not null, false or undefined; the test's own time-out bounds it. */
export async function until<T>(probe: () => Promise<T | null | false | undefined>): Promise<T> {
  for (;;) {
    const value = await probe();
    if (value !== null && value !== false && value !== undefined) return value;
    await delay(25);
  }
}
