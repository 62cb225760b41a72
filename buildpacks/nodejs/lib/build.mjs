import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cachedMetadata, readJson, readLine, writeLayer } from "./files.mjs";
import { download, publishedVersions } from "./registry.mjs";
import { chooseVersion, requestedVersion } from "./versions.mjs";

const layersDir = process.env.CNB_LAYERS_DIR;
const [inputs] = process.argv.slice(2);

/** npm's major that comes with each major of Node.js; newer ones come with the last. */
const bundledNpm = { 14: 6, 15: 7, 16: 8, 17: 8, 18: 10, 19: 9, 20: 10, 21: 10, 22: 10, 23: 10 };
const newestBundledNpm = 11;

function main() {
  const manifest = readJson("package.json") ?? {};
  const request = requestedVersion(manifest, readLine(".nvmrc"), readLine(".node-version"));
  const version = provideNode(request);
  provideNpm(manifest, version);
}

/** Makes or keeps the node layer; returns the version in it. */
function provideNode({ range, source }) {
  const directory = join(layersDir, "node");
  const cached = cachedMetadata(`${directory}.toml`);
  const present = cached !== null && existsSync(join(directory, "bin/node"));
  const packageName = `node-linux-${process.arch}`;
  const version =
    present && cached.range === range
      ? cached.version
      : chooseVersion(range, source, publishedVersions(packageName));
  const summary = `Node.js ${version} (${source})`;
  console.log(`       ${summary}`);
  if (!present || cached.version !== version) {
    console.log(`       Downloading Node.js ${version}`);
    rmSync(directory, { recursive: true, force: true });
    download(packageName, version, directory);
    for (const unneeded of ["share", "CHANGELOG.md"])
      rmSync(join(directory, unneeded), { recursive: true, force: true });
    writeEnvironment(directory, version);
  }
  writeLayer(`${directory}.toml`, { inputs, range, version, summary });
  return version;
}

function writeEnvironment(directory, version) {
  const files = {
    "env.build/NODE_VERSION": version,
    "env.launch/NODE_ENV.default": "production",
    "env.launch/PATH.prepend": "/app/node_modules/.bin",
    "env.launch/PATH.delim": ":",
  };
  for (const folder of ["env.build", "env.launch"]) mkdirSync(join(directory, folder));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
}

function provideNpm({ packageManager }, nodeVersion) {
  const directory = join(layersDir, "npm");
  const cached = cachedMetadata(`${directory}.toml`);
  const [, pinned] = /^npm@([\d.]+)/.exec(packageManager ?? "") ?? [];
  const wanted = pinned ?? String(bundledNpm[nodeVersion.split(".")[0]] ?? newestBundledNpm);
  if (cached?.wanted !== wanted || !existsSync(join(directory, "bin/npm"))) {
    console.log(`       Downloading npm ${wanted}`);
    rmSync(directory, { recursive: true, force: true });
    download("npm", wanted, join(directory, "node_modules/npm"));
    mkdirSync(join(directory, "bin"));
    for (const name of ["npm", "npx"])
      symlinkSync(`../node_modules/npm/bin/${name}-cli.js`, join(directory, "bin", name));
  }
  const { version } = readJson(join(directory, "node_modules/npm/package.json"));
  writeLayer(`${directory}.toml`, { wanted, version });
}

try {
  main();
} catch (error) {
  console.error(` !     ${error.message}`);
  process.exitCode = 1;
}
