import assert from "node:assert/strict";
import { duration, moment } from "../../server/dashboard/time.ts";

describe("times on pages", () => {
  it("says how long ago something was in one unit", () => {
    const ago = (milliseconds: number) => moment(1e12 - milliseconds, 1e12).ago;
    assert.deepEqual([-5000, 59_999, 60_000, 7_199_999, 47 * 3_600_000, 48 * 3_600_000].map(ago), [
      "just now",
      "just now",
      "1 min ago",
      "1 h ago",
      "47 h ago",
      "2 days ago",
    ]);
  });

  it("says how long something took, and never 60 s", () => {
    assert.deepEqual([840, 42_000, 59_700, 119_600, 185_000].map(duration), [
      "0.8 s",
      "42 s",
      "1 min 0 s",
      "2 min 0 s",
      "3 min 5 s",
    ]);
  });
});
