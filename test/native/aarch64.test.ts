import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { packageRoot } from "../../server/paths.ts";

const run = promisify(execFile);

describe("native code for aarch64", () => {
  it("compiles and links without a warning", async function () {
    this.timeout(600_000); // many compilers may be at work on this machine
    const installed = await run("aarch64-linux-gnu-g++", ["--version"]).catch(() => null);
    if (installed === null) {
      console.log("      skipped: g++-aarch64-linux-gnu is not installed");
      this.skip();
    }
    await run("npm", ["run", "-s", "check:aarch64"], { cwd: packageRoot });
  });
});
