import assert from "node:assert/strict";
import { parseProcfile } from "../../server/model/procfile.ts";

describe("Procfile", () => {
  it("reads types in order, without comments", () => {
    const text =
      "# a comment\r\nweb: node web.js --port $PORT # inline\r\n\n// another\nworker-1: ./work # x\n";
    assert.deepEqual(
      [...parseProcfile(text)],
      [
        ["web", "node web.js --port $PORT"],
        ["worker-1", "./work"],
      ],
    );
  });

  const bad: [string, string, RegExp][] = [
    ["a line without colon", "web node", /line 1: expected "type: command"/],
    ["a merge conflict", "web: a\n<<<<<<< HEAD", /line 2/],
    ["a type twice", "web: a\nweb: b", /line 2: process type web appears twice/],
    ["an empty command", "web:", /web has no command/],
    ["a bad type", "we b: x", /line 1/],
  ];
  for (const [what, text, message] of bad) {
    it(`refuses ${what}`, () => assert.throws(() => parseProcfile(text), message));
  }
});
