import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { commands } from "../../server/commands/registry.ts";
import { topicOf, topics } from "../../server/commands/help/topics.ts";
import { withCommandTable } from "../../server/docs.ts";
import { packageRoot } from "../../server/paths.ts";

describe("declarations of commands", () => {
  it("are listed by name, each once, and every topic is described", () => {
    const names = commands.map(({ name }) => name);
    assert.deepEqual(names, [...new Set(names)].toSorted());
    const needed = names.filter((name) => name.includes(":")).map(topicOf);
    assert.deepEqual([...new Set(needed)], Object.keys(topics));
  });

  it("are what the README's table shows (npm run docs)", async () => {
    const readme = await readFile(join(packageRoot, "README.md"), "utf8");
    assert.equal(readme, withCommandTable(readme));
  });
});
