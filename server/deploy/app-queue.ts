import type { Say } from "./operations.ts";

/** One thing of an app at a time, in the order they were asked for; a waiting one says so. */
export class AppQueue {
  readonly #noun: "operation" | "push";
  readonly #tails = new Map<number, { promise: Promise<unknown>; length: number }>();

  constructor(noun: "operation" | "push") {
    this.#noun = noun;
  }

  async run<T>(appId: number, say: Say, operation: () => Promise<T>): Promise<T> {
    const tail = this.#tails.get(appId);
    if (tail !== undefined) {
      const ahead = tail.length === 1 ? `another ${this.#noun}` : `${tail.length} others`;
      say(`-----> Waiting for ${ahead} of this app to finish`);
    }
    const previous = tail?.promise ?? Promise.resolve();
    const result = previous.then(operation);
    const settled = result.catch(() => {});
    const next = { promise: settled, length: (tail?.length ?? 0) + 1 };
    this.#tails.set(appId, next);
    try {
      return await result;
    } finally {
      this.#leave(appId);
    }
  }

  #leave(appId: number): void {
    const tail = this.#tails.get(appId);
    if (tail === undefined) return;
    tail.length -= 1;
    if (tail.length === 0) this.#tails.delete(appId);
  }

  /** Resolves when nothing runs or waits. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all([...this.#tails.values()].map(({ promise }) => promise));
  }
}
