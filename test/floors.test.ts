import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../server/paths.ts";
import { floorViolation, importsOf } from "./support/floors.ts";

describe("floors", () => {
  it("are kept by every import", () => {
    const files = sources();
    assert.ok(files.includes("server/main.ts"), "the sources were not found");
    const imports = files.flatMap((file) => importsOf(file, readFileSync(join(packageRoot, file), "utf8")));
    assert.deepEqual(
      imports.map(floorViolation).filter((violation) => violation !== null),
      [],
    );
  });

  it("have no barrel files: whoever needs a name imports the file that defines it", () => {
    const barrels = sources().filter((file) => {
      if (file.startsWith("server/") && file.endsWith("/index.ts")) return true;
      return /^export\s+(?:type\s+)?[*{][\w\s,*{}]*\bfrom\s*["']/m.test(
        readFileSync(join(packageRoot, file), "utf8"),
      );
    });
    assert.deepEqual(barrels, []);
  });

  it("stand in a top level of known entries", () => {
    const known =
      "package.json package-lock.json tsconfig.json server buildpacks native plugins test deploy README.md LICENSE CHANGELOG.md ARCHITECTURE.md node_modules dist";
    const strangers = readdirSync(packageRoot).filter(
      (entry) => !entry.startsWith(".") && !known.split(" ").includes(entry),
    );
    assert.deepEqual(strangers, []);
  });

  const broken: Record<string, [string, string]> = {
    upwards: ["server/state/apps.ts", 'import { deploy } from "../deploy/deploy.ts";'],
    "sideways between rooms": ["server/build/builder.ts", 'import type { Store } from "../image/store.ts";'],
    "sideways between doors": ["server/ssh/server.ts", 'import "../http/app.ts";'],
    "of ours from model": ["server/model/app.ts", 'import { log } from "../lib/log.ts";'],
    "of files from model": ["server/model/app.ts", 'import { readFileSync } from "node:fs";'],
    "of the native addon past the runtime": [
      "server/build/sandbox.ts",
      'import * as a from "../../native/index.ts";',
    ],
    "hidden in import()": ["server/proxy/table.ts", 'const { open } = await import("../state/state.ts");'],
    "over several lines": ["server/git/a.ts", 'import {\n  one,\n  two,\n} from "../proxy/b.ts";'],
    "by re-export": ["server/image/a.ts", 'export { b } from "../proxy/b.ts";'],
    "from a plugin to a room": [
      "plugins/x/index.ts",
      'import { openState } from "../../server/state/state.ts";',
    ],
    "from one plugin to another": ["plugins/x/index.ts", 'import y from "../y/index.ts";'],
    "from native to the server": ["native/index.ts", 'import { log } from "../server/lib/log.ts";'],
    "from the server to a test": ["server/commands/help.ts", 'import "../../test/support/until.ts";'],
    "in a room on no floor": ["server/helpers/a.ts", 'import "../model/app.ts";'],
    "without node:": ["server/lib/a.ts", 'import { readFile } from "fs";'],
  };
  for (const [what, [file, source]] of Object.entries(broken)) {
    it(`would fail on an import ${what}`, () => {
      const imports = importsOf(file, source);
      assert.equal(imports.length, 1);
      assert.match(floorViolation(imports[0]!) ?? "", new RegExp(`^${file} imports `));
    });
  }

  it("let good imports be", () => {
    const source = `
      import { a } from "../state/apps.ts";
      import type { B } from "../model/app.ts";
      import ssh2 from "ssh2";
      // import x from "../deploy/deploy.ts";
      /* import y from "../deploy/deploy.ts"; */
      const text = "imported from elsewhere";
      export const dotted = text.includes("./x.ts");
    `;
    const good = importsOf("server/deploy/deploy.ts", source);
    assert.deepEqual(
      good.map(({ specifier }) => specifier),
      ["../state/apps.ts", "../model/app.ts", "ssh2"],
    );
    assert.deepEqual(good.map(floorViolation), [null, null, null]);
    assert.equal(
      floorViolation({ from: "server/runtime/monitor.ts", specifier: "../../native/index.ts" }),
      null,
    );
    assert.equal(
      floorViolation({ from: "plugins/x/index.ts", specifier: "../../server/plugins/hooks.ts" }),
      null,
    );
  });
});

function sources(): string[] {
  const folders = ["server", "native", "plugins", "deploy"];
  const files = folders.flatMap((folder) =>
    readdirSync(join(packageRoot, folder), { recursive: true, encoding: "utf8" }).map(
      (file) => `${folder}/${file}`,
    ),
  );
  return files.filter((file) => file.endsWith(".ts")).toSorted();
}
