import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../server/paths.ts";

/** Puts the installed packages in place as npm ci would, and says what was asked of it. */
const fakeNpm = `#!/bin/bash
echo "npm $*" >>"$CALLS"
case $1 in
  ci) rm -rf node_modules && mkdir node_modules && ln -s ${packageRoot}/node_modules/{*,.bin} node_modules/ ;;
  run) mkdir -p native/build/Release ;;
esac`;

/** Everything is installed but what the variable MISSING names. */
const fakeDpkgQuery = `#!/bin/bash
for name in "\${@:3}"; do [[ $MISSING == *$name* ]] || printf 'installed=%s ' "$name"; done`;

const fakeAptGet = `#!/bin/bash
echo "apt-get $*; services may start: $([ -e /usr/sbin/policy-rc.d ] && echo no || echo yes)" >>"$CALLS"
[ "$1" != "$FAILING_APT" ] || { echo "E: mirror is on fire"; exit 100; }`;

/** As on Ubuntu, which has no chromium package. */
const fakeAptCache = `#!/bin/bash
[ "$2" != chromium ] && echo "  Candidate: 1.2-3" || echo "  Candidate: (none)"`;

describe("deploy/setup", () => {
  let project: string;
  let tools: string;
  let calls: string;

  beforeEach(async () => {
    project = await mkdtemp(join(tmpdir(), "slipway-setup-"));
    await chmod(project, 0o755);
    tools = join(project, ".tools");
    calls = join(tools, "calls");
    for (const path of ["package.json", "package-lock.json", "tsconfig.json", "deploy/setup"])
      await cp(join(packageRoot, path), join(project, path));
    for (const folder of ["server", "plugins", "test", "native", ".tools"])
      await mkdir(join(project, folder));
    await writeFile(join(project, "server/main.ts"), "export const answer: number = 42;\n");
    await writeFile(join(project, "server/old.ts"), "export {};\n");
    await writeFile(join(project, "native/addon.cc"), "int main() {}\n");
    await addTool("npm", fakeNpm);
    await addTool("dpkg-query", fakeDpkgQuery);
    await addTool("apt-get", fakeAptGet);
    await addTool("apt-cache", fakeAptCache);
    await writeFile(calls, "");
  });
  afterEach(() => rm(project, { recursive: true }));

  async function addTool(name: string, script: string): Promise<void> {
    await writeFile(join(tools, name), script, { mode: 0o755 });
  }

  async function setUp(options: { args?: string[]; env?: NodeJS.ProcessEnv; uid?: number } = {}) {
    const { args = [], env = {}, ...rest } = options;
    const child = spawn(join(project, "deploy/setup"), args, {
      cwd: "/",
      env: { ...process.env, PATH: `${tools}:${process.env["PATH"]}`, CALLS: calls, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      ...rest,
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { code, output };
  }

  async function called(): Promise<string[]> {
    const lines = (await readFile(calls, "utf8")).split("\n").filter((line) => line !== "");
    await writeFile(calls, "");
    return lines;
  }

  const npmCi = "npm ci --include=dev --foreground-scripts --no-audit --no-fund";
  const npmBuild = "npm run build:native";

  it("does all once, then only what changed, and says nothing when nothing did", async () => {
    const first = await setUp();
    assert.equal(first.code, 0, first.output);
    assert.match(first.output, /^-----> Installing npm packages.*^-----> Compiling TypeScript$/ms);
    assert.deepEqual(await called(), [npmCi, npmBuild]);
    assert.ok(existsSync(join(project, "dist/server/old.js")));

    assert.deepEqual(await setUp(), { code: 0, output: "" });
    assert.deepEqual(await called(), []);

    await rm(join(project, "server/old.ts"));
    const afterRemoval = await setUp();
    assert.match(afterRemoval.output, /^-----> Compiling TypeScript\n {7}done in \d+ s\n$/);
    assert.ok(!existsSync(join(project, "dist/server/old.js")), "code of a removed source is still there");
    assert.ok(existsSync(join(project, "dist/server/main.js")));
    assert.deepEqual(await called(), []);

    await writeFile(join(project, "native/addon.cc"), "int main() { return 1; }\n");
    await setUp();
    assert.deepEqual(await called(), [npmBuild]);

    await writeFile(join(project, "package-lock.json"), "{}");
    await setUp();
    assert.deepEqual(await called(), [npmCi, npmBuild]);
  });

  it("tries a failed step again next time", async () => {
    await writeFile(join(project, "server/main.ts"), "export const answer: number = 'x';\n");
    for (const attempt of [1, 2]) {
      const { code, output } = await setUp();
      assert.equal(code, 1, `attempt ${attempt}`);
      assert.match(output, /main\.ts\(1,14\): error TS2322/);
      assert.match(output, / ! {5}That failed with exit status \d/);
    }
  });

  it("runs one at a time in a checkout", async () => {
    const runs = await Promise.all([setUp(), setUp(), setUp()]);
    assert.deepEqual(
      runs.map(({ code }) => code),
      [0, 0, 0],
    );
    assert.deepEqual(await called(), [npmCi, npmBuild]);
  });

  it("installs the Debian packages that are missing without starting their services", async () => {
    const policy = existsSync("/usr/sbin/policy-rc.d");
    const { code, output } = await setUp({ args: ["--bench"], env: { MISSING: "nftables wrk" } });
    assert.equal(code, 0, output);
    const [update, install] = await called();
    assert.match(update ?? "", /^apt-get update /);
    assert.match(
      install ?? "",
      /^apt-get install .*--no-install-recommends.* nftables wrk; services may start: no$/,
    );
    assert.equal(existsSync("/usr/sbin/policy-rc.d"), policy);
  });

  it("goes on without a test's package that the distribution does not have, and looks for it only once", async () => {
    const options = { args: ["--test"], env: { MISSING: "chromium" } };
    const first = await setUp(options);
    assert.equal(first.code, 0, first.output);
    assert.match(first.output, /no package chromium: going on without it/);
    assert.equal((await called()).filter((call) => call.startsWith("apt-get install")).length, 0);
    assert.deepEqual(await setUp(options), { code: 0, output: "" });
    assert.deepEqual(await called(), []);
  });

  it("shows why apt-get failed", async () => {
    const { code, output } = await setUp({ env: { MISSING: "git", FAILING_APT: "install" } });
    assert.equal(code, 1);
    assert.match(output, /E: mirror is on fire\n ! {5}That failed with exit status 100/);
  });

  it("tells in a line what is wrong with the machine", async () => {
    const asNobody = await setUp({ uid: 65_534 });
    assert.equal(asNobody.code, 1);
    assert.match(asNobody.output, /^ ! {5}Slipway makes containers and networks and needs root/);

    await addTool("node", "#!/bin/sh\necho 18.20.4 /usr/bin/node x64\n");
    const old = await setUp();
    assert.deepEqual(old, {
      code: 1,
      output: " !     Node.js is too old: this is 18.20.4, Slipway needs 20.19 or newer.\n",
    });
    assert.deepEqual(await called(), []);
  });
});

describe("scripts of deploy/ and .ci/", () => {
  for (const script of ["deploy/setup", "deploy/install", "deploy/uninstall", ".ci/run"])
    it(`${script} is sound bash`, async () => {
      const child = spawn("bash", ["-n", join(packageRoot, script)], { stdio: "inherit" });
      assert.equal(await new Promise((resolve) => child.once("close", resolve)), 0);
    });
});
