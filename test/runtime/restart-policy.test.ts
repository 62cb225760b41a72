import assert from "node:assert/strict";
import { RestartPolicy } from "../../server/runtime/restart-policy.ts";

describe("restart policy", () => {
  it("backs off from crash to crash and gives up after ten quick ones", () => {
    const policy = new RestartPolicy();
    const delays = Array.from({ length: 11 }, () => policy.next({ startedAt: 0, endedAt: 10 }));
    assert.deepEqual(delays, [0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, null]);
  });

  it("begins anew after a good run", () => {
    const policy = new RestartPolicy();
    for (let i = 0; i < 8; i++) policy.next({ startedAt: 0, endedAt: 10 });
    assert.equal(policy.next({ startedAt: 0, endedAt: 60_000 }), 0);
    assert.equal(policy.next({ startedAt: 0, endedAt: 10 }), 1000);
  });
});
