import assert from "node:assert/strict";
import { resolvePlan, type Candidate, type PlanSections } from "../../server/build/plan.ts";

/** "node -> app" provides node and requires app. */
function sections(text: string): PlanSections {
  const [provided = "", required = ""] = text.split("->");
  const names = (list: string) =>
    list
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "");
  return {
    provides: names(provided),
    requires: names(required).map((name) => ({ name, metadata: {} })),
  };
}

function candidate(element: string, ...alternatives: string[]): Candidate<string> {
  return { element, optional: false, alternatives: alternatives.map(sections) };
}

function optional(element: string, ...alternatives: string[]): Candidate<string> {
  return { ...candidate(element, ...alternatives), optional: true };
}

function chosen(...candidates: Candidate<string>[]): readonly string[] | null {
  return resolvePlan(candidates)?.elements ?? null;
}

describe("build plan", () => {
  it("takes buildpacks that neither provide nor require anything", () => {
    assert.deepEqual(chosen(candidate("a", ""), candidate("b", "")), ["a", "b"]);
    assert.equal(chosen(), null);
  });

  it("wants everything required to be provided by the same or an earlier buildpack", () => {
    assert.deepEqual(chosen(candidate("node", "node ->"), candidate("npm", "-> node")), ["node", "npm"]);
    assert.deepEqual(chosen(candidate("both", "x -> x")), ["both"]);
    assert.equal(chosen(candidate("npm", "-> node"), candidate("node", "node ->")), null);
    assert.equal(chosen(candidate("npm", "-> node")), null);
  });

  it("wants everything provided to be required", () => {
    assert.equal(chosen(candidate("node", "node ->")), null);
    assert.equal(chosen(candidate("npm", "-> node"), candidate("node", "node -> node")), null);
  });

  it("drops optional buildpacks that stand in the way, and those that depended on them", () => {
    assert.deepEqual(chosen(optional("extra", "unused ->"), candidate("main", "")), ["main"]);
    assert.deepEqual(chosen(optional("extra", "-> missing"), candidate("main", "")), ["main"]);
    assert.deepEqual(
      chosen(
        optional("a", "a -> missing"),
        optional("b", "b -> a"),
        optional("c", "-> b"),
        candidate("d", ""),
      ),
      ["d"],
    );
    assert.equal(chosen(optional("only", "-> missing")), null);
  });

  it("tries alternatives in order, those of the first buildpack last", () => {
    const first = candidate("first", "-> missing", "x ->", "y ->");
    assert.deepEqual(chosen(first, candidate("second", "-> y", "-> x")), ["first", "second"]);
    const resolved = resolvePlan([first, candidate("second", "-> y", "-> x")]);
    assert.deepEqual(
      resolved?.entries.map(({ name, providers }) => [name, providers]),
      [["x", ["first"]]],
    );
  });

  it("gives up an optional buildpack only after its last alternative", () => {
    const candidates = [candidate("node", "node ->", ""), optional("tool", "-> missing", "-> node")];
    assert.deepEqual(chosen(...candidates), ["node", "tool"]);
  });

  it("tells each provider what is required of it, from all who require it", () => {
    const resolved = resolvePlan([
      candidate("early", "tool ->"),
      candidate("late", "tool -> tool"),
      candidate("user", "-> tool"),
    ]);
    assert.equal(resolved?.entries.length, 1);
    assert.deepEqual(resolved.entries[0]?.providers, ["early", "late"]);
    assert.equal(resolved.entries[0]?.requires.length, 2);
  });
});
