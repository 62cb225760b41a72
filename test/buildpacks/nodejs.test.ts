import assert from "node:assert/strict";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerRuntime } from "../../server/model/container.ts";
import { packageRoot } from "../../server/paths.ts";
import { BuildRoom } from "../support/build-room.ts";

interface Versions {
  readonly chooseVersion: (range: string, source: string, versions: readonly string[], now: Date) => string;
  readonly requestedVersion: (
    manifest: object,
    nvmrc: string | null,
    nodeVersion: string | null,
  ) => { range: string; source: string };
}

/** A package of the app itself, so that nothing but the registry's Node.js is downloaded. */
const local = (name: string, scripts: Record<string, string> = {}) =>
  JSON.stringify({ name, version: "1.0.0", main: "index.js", scripts });

describe("Node.js buildpacks", function () {
  this.timeout(180_000);
  let room: BuildRoom;
  let apps = 0;

  before(async () => {
    room = await BuildRoom.open();
  });

  after(async () => {
    await room.close();
  });

  const hasDependencies = ["node", "-e", "console.log(typeof require('express'), process.version)"];

  it("install Node.js and the dependencies, and describe how to start", async () => {
    const { image, lines } = await room.build(room.builder(), ++apps, await room.sample("node-express"));
    assert.equal(lines[0], "-----> Node.js app detected");
    assert.match(lines[1]!, /^ {7}Node\.js 22\.\d+\.\d+ \(engines\.node "22\.x" in package\.json\)$/);
    assert.ok(lines.some((line) => line.includes("Installing dependencies with npm ci --omit=dev")));
    assert.match(await room.run(image, hasDependencies), /^function v22\./);
    assert.equal(
      await room.run(image, ["bash", "-c", "echo $NODE_ENV; npm --version | cut -d . -f 1"]),
      "production\n10",
    );
    assert.deepEqual(image.processes["web"]?.argv, ["/bin/bash", "-c", "node server.js"]);
    assert.equal(
      await room.run(image, ["bash", "-c", "touch /app/x && readlink node_modules"]),
      "/layers/slipway_npm/dependencies/node_modules",
    );
  });

  it("neither download nor install when only code changed, even without a network", async () => {
    const id = ++apps;
    const first = await room.build(room.builder(), id, await room.sample("node-express"));
    const offline: ContainerRuntime = {
      ...room.runtime,
      run: (spec, options) => room.runtime.run({ ...spec, network: false }, options),
    };
    const changed = await room.sample("node-express", {
      "greeting.js": 'export const greeting = "changed";',
    });
    const second = await room.build(room.builder(undefined, offline), id, changed);
    assert.deepEqual(second.lines, [...first.lines.slice(0, 2), "       Dependencies have not changed"]);
    assert.deepEqual(second.image.layers.slice(0, -1), first.image.layers.slice(0, -1));
    assert.notEqual(second.image.layers.at(-1), first.image.layers.at(-1));
    assert.deepEqual(second.image.processes, first.image.processes);
    assert.match(await room.run(second.image, hasDependencies), /^function/);
    // A new name or script is no reason either, though it takes a closer look.
    const manifest = {
      name: "other",
      type: "module",
      engines: { node: "22.x" },
      scripts: { start: "node other.js" },
      dependencies: { express: "^5.1.0" },
    };
    const third = await room.sample("node-express", { "package.json": JSON.stringify(manifest) });
    const { image, lines } = await room.build(room.builder(undefined, offline), id, third);
    assert.equal(lines.at(-1), "       Dependencies have not changed");
    assert.deepEqual(image.processes["web"]?.argv, ["/bin/bash", "-c", "node other.js"]);
  });

  it("install again when the lock file changed, and say so when it does not match package.json", async () => {
    const id = ++apps;
    await room.build(room.builder(), id, await room.sample("node-websocket"));
    const manifest = { engines: { node: "22.x" }, dependencies: { ws: "^8.18.0", ms: "^2.1.3" } };
    const drifted = await room.sample("node-websocket", { "package.json": JSON.stringify(manifest) });
    const { image, lines } = await room.build(room.builder(), id, drifted);
    assert.ok(
      lines.includes(
        " !     package-lock.json does not match package.json; run npm install and commit the lock file",
      ),
    );
    assert.equal(await room.run(image, ["node", "-p", "require('ms')('1s')"]), "1000");
    assert.deepEqual(image.processes["web"]?.argv, ["node", "server.js"]);
  });

  it("run the build script with development dependencies and leave those out of the image", async () => {
    const id = ++apps;
    const manifest = (build: string) =>
      JSON.stringify({
        engines: { node: "22.x" },
        scripts: { build, start: "node out.js" },
        dependencies: { ms: "^2.1.3" },
        devDependencies: { isarray: "^2.0.5" },
      });
    const make = `node -e 'require("isarray"); require("fs").writeFileSync("out.js", process.env.NODE_ENV)'`;
    const built = await room.build(
      room.builder(),
      id,
      await room.sample(null, { "package.json": manifest(make) }),
    );
    assert.ok(built.lines.some((line) => line.startsWith(" !     There is no package-lock.json")));
    const look = ["bash", "-c", "cat out.js; echo; ls node_modules"];
    assert.equal(await room.run(built.image, look), "production\nms");
    const again = await room.build(
      room.builder(),
      id,
      await room.sample(null, { "package.json": manifest(make), code: "2" }),
    );
    assert.ok(again.lines.includes("       Dependencies have not changed"));
    assert.deepEqual(again.image.layers.slice(0, -1), built.image.layers.slice(0, -1));
    // Generated code among the packages reaches the image, as that of a database client.
    const generate = `${make}; mkdir -p node_modules/.client; echo made > node_modules/.client/x`;
    const generated = await room.sample(null, { "package.json": manifest(generate) });
    const { image } = await room.build(room.builder(), id, generated);
    assert.equal(
      await room.run(image, ["bash", "-c", "cat node_modules/.client/x; ls node_modules"]),
      "made\nms",
    );
  });

  it("install in place where the app's own files take part", async () => {
    const files = {
      "package.json": JSON.stringify({
        engines: { node: "22.x" },
        workspaces: ["packages/*"],
        scripts: { postinstall: "echo $PWD > installed", start: "node packages/a" },
      }),
      "packages/a/package.json": local("a"),
      "packages/a/index.js": "console.log(require('b'));",
      "packages/b/package.json": local("b"),
      "packages/b/index.js": "module.exports = 'from b';",
    };
    const { image, lines } = await room.build(room.builder(), ++apps, await room.sample(null, files));
    assert.ok(
      lines.some((line) =>
        line.includes("Installing in /app on every build, as package.json has a postinstall script"),
      ),
    );
    assert.equal(await room.run(image, ["bash", "-c", "node packages/a; cat installed"]), "from b\n/app");
  });

  it("ignore node_modules of the repository", async () => {
    const source = await room.sample("node-websocket", {
      "node_modules/ws/index.js": "throw new Error('old')",
    });
    const { image, lines } = await room.build(room.builder(), ++apps, source);
    assert.ok(lines.some((line) => line.startsWith(" !     Ignoring node_modules of the repository")));
    assert.equal(await room.run(image, ["node", "-p", "typeof require('ws')"]), "function");
    const linked = await room.sample("node-websocket");
    await symlink("/etc", join(linked, "node_modules"));
    await room.build(room.builder(), ++apps, linked);
  });

  it("name what failed", async () => {
    const failure = async (sample: string | null, files: Record<string, string> = {}) => {
      const lines: string[] = [];
      const source = await room.sample(sample, files);
      const error = await room.build(room.builder(), ++apps, source, { lines }).then(
        () => assert.fail("it was built"),
        (error: Error) => error,
      );
      return { message: error.message, lines };
    };
    const build = await failure("node-build-fails");
    assert.equal(build.message, "npm run build failed (exit status 1)");
    assert.ok(build.lines.some((line) => line.includes("error TS2322")));
    const engine = (node: string) => ({ "package.json": JSON.stringify({ engines: { node } }) });
    assert.match(
      (await failure(null, engine("99.x"))).message,
      /^no Node\.js version fits engines\.node "99\.x" in package\.json; the newest is \d+/,
    );
    assert.match(
      (await failure(null, engine("not a version"))).message,
      /^cannot read the Node\.js version engines\.node "not a version"/,
    );
    assert.match(
      (await failure(null, { "package.json": "{ not json" })).message,
      /^package\.json is not valid JSON: /,
    );
    const missing = {
      "package.json": JSON.stringify({
        engines: { node: "22.x" },
        dependencies: { "@slipway-test/no-such-package": "1" },
      }),
    };
    assert.match(
      (await failure(null, missing)).message,
      /^npm install failed \(E404: .*@slipway-test\/no-such-package@1/,
    );
    assert.match((await failure(null, engine("22.x"))).message, /^Nothing says how to start this app/);
  });

  it("choose the version that the app asks for, and an LTS where it leaves the choice", async () => {
    const { chooseVersion, requestedVersion } = (await import(
      join(packageRoot, "buildpacks/nodejs/lib/versions.mjs")
    )) as Versions;
    const published = ["18.20.8", "20.1.0", "20.19.2", "21.7.3", "22.3.0", "24.1.0", "25.2.0", "26.0.0-rc.1"];
    const choose = (range: string) => chooseVersion(range, "a test", published, new Date("2025-12-01"));
    assert.equal(choose("20.x"), "20.19.2");
    assert.equal(choose("20.1"), "20.1.0");
    assert.equal(choose(">=18"), "24.1.0");
    assert.equal(choose("^21"), "21.7.3");
    assert.equal(choose(">=25"), "25.2.0");
    assert.equal(choose("lts"), "24.1.0");
    assert.throws(() => choose("27"), /no Node\.js version fits a test; the newest is 25\.2\.0/);
    const request = (engines: string | null, nvmrc: string | null, file: string | null) =>
      requestedVersion(engines === null ? {} : { engines: { node: engines } }, nvmrc, file).range;
    assert.equal(request("20", "22", "24"), "20");
    assert.equal(request(null, "v22.3.0", "24"), "v22.3.0");
    assert.equal(request(null, "lts/iron", null), "20");
    assert.equal(request(null, null, "24"), "24");
    assert.equal(request(null, null, null), "lts");
  });
});
