import assert from "node:assert/strict";
import { AppQueue } from "../../server/deploy/app-queue.ts";

function newGate(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

describe("app queue", () => {
  it("runs the operations of an app one after the other, tells who waits, and goes on after a failure", async () => {
    const queue = new AppQueue("operation");
    const happened: string[] = [];
    const gate = newGate();
    const first = queue.run(
      1,
      (line) => happened.push(line),
      async () => {
        await gate.promise;
        happened.push("first");
        throw new Error("first failed");
      },
    );
    const second = queue.run(
      1,
      (line) => happened.push(line),
      async () => void happened.push("second"),
    );
    const other = queue.run(
      2,
      (line) => happened.push(line),
      async () => void happened.push("other app"),
    );
    await other;
    gate.resolve();
    await assert.rejects(first, /first failed/);
    await second;
    await queue.idle();
    assert.deepEqual(happened, [
      "-----> Waiting for another operation of this app to finish",
      "other app",
      "first",
      "second",
    ]);
  });
});
