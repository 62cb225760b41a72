const goodRunMs = 60_000;
const mostDelayMs = 60_000;
const mostQuickCrashes = 10;

/** Decides when a process that ended is started again. */
export class RestartPolicy {
  #quickCrashes = 0;

  /**
   * Milliseconds to wait before the next start: none at first and after a good run of a minute, then 1 s, doubling up to
   * a minute. Null after ten quick crashes in a row: it is not worth another try.
   */
  next(run: { readonly startedAt: number; readonly endedAt: number }): number | null {
    if (run.endedAt - run.startedAt >= goodRunMs) this.#quickCrashes = 0;
    this.#quickCrashes += 1;
    if (this.#quickCrashes > mostQuickCrashes) return null;
    if (this.#quickCrashes === 1) return 0;
    return Math.min(mostDelayMs, 1000 * 2 ** (this.#quickCrashes - 2));
  }
}
