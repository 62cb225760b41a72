import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { install, npmVersion, prune, runScript } from "./npm.mjs";

const layersDir = process.env.CNB_LAYERS_DIR;
/** For production, part of the image. */
const dependencies = join(layersDir, "dependencies");
/** With development dependencies too, for the build script; kept for the next build only. */
const buildDependencies = join(layersDir, "build-dependencies");

const lockFiles = ["npm-shrinkwrap.json", "package-lock.json"];
const copiedFiles = ["package.json", ".npmrc", ...lockFiles];
const dependencyFields = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
/** What of package.json decides which packages are installed and how. */
const decidingFields = [
  ...dependencyFields,
  "bundleDependencies",
  "overrides",
  "workspaces",
  "allowScripts",
  "engines",
  "os",
  "cpu",
];
/** Scripts of the app that npm runs when it installs. */
const installScripts = [
  "preinstall",
  "install",
  "postinstall",
  "prepublish",
  "preprepare",
  "prepare",
  "postprepare",
];

/**
 * Installs what package.json asks for and runs the build script; leaves /app/node_modules as the app shall see it.
 * `inputs`: digest of all that bin/build compares the next time.
 */
export async function installDependencies(manifest, inputs) {
  const lockFile = lockFiles.find((name) => existsSync(name)) ?? null;
  const script = ["heroku-postbuild", "build"].find((name) => manifest.scripts?.[name]) ?? null;
  keepLayer("npm-cache", ["cache"]);
  const reason = needsAppFiles(manifest, lockFile);
  if (reason === null && lockFile === null && countOf(manifest, dependencyFields) === 0) {
    if (script !== null) await runScript(script);
    return;
  }
  warnAboutLockFile(lockFile);
  if (reason === null) await installInLayers(manifest, lockFile, script, inputs);
  else await installInPlace(manifest, lockFile, script, reason);
}

function warnAboutLockFile(lockFile) {
  if (lockFile !== null) return;
  const other = ["yarn.lock", "pnpm-lock.yaml", "bun.lock"].find((name) => existsSync(name));
  const found = other === undefined ? "There is no package-lock.json" : `${other} is not read by npm`;
  console.error(` !     ${found}: versions may differ from yours. Commit a package-lock.json to fix them`);
}

/** Why the app's own files are needed to install, null when package.json and lock file are enough. */
function needsAppFiles(manifest, lockFile) {
  const script = installScripts.find((name) => manifest.scripts?.[name]);
  if (script !== undefined) return `package.json has a ${script} script`;
  if (manifest.workspaces) return "package.json has workspaces";
  if (existsSync("binding.gyp")) return "there is a binding.gyp";
  const specs = dependencyFields.flatMap((field) => Object.entries(manifest[field] ?? {}));
  const [local] = specs.find(([, spec]) => /^(file:|link:|\.|\/|~\/)/.test(spec)) ?? [];
  if (local !== undefined) return `${local} is a folder of the app`;
  if (lockFile !== null && /"link": true|"resolved": "file:/.test(readFileSync(lockFile, "utf8")))
    return `${lockFile} has folders of the app`;
  return null;
}

async function installInPlace(manifest, lockFile, script, reason) {
  console.log(`       Installing in /app on every build, as ${reason}`);
  await install(".", lockFile, script !== null);
  if (script === null) return;
  await runScript(script);
  if (countOf(manifest, ["devDependencies"]) > 0) await prune(".");
}

async function installInLayers(manifest, lockFile, script, inputs) {
  const key = keyOf(manifest, lockFile, script);
  const separate = script !== null && countOf(manifest, ["devDependencies"]) > 0;
  const forBuild = separate ? buildDependencies : dependencies;
  const needed = separate ? [buildDependencies, dependencies] : [dependencies];
  const unchanged = needed.every(
    (layer) => cachedKey(layer) === key && existsSync(join(layer, "node_modules")),
  );
  if (unchanged) console.log("       Dependencies have not changed");
  else await installInto(forBuild, lockFile, script !== null);
  symlinkSync(join(forBuild, "node_modules"), "node_modules");
  const began = Date.now();
  if (script !== null) await runScript(script);
  if (separate) {
    // Build scripts may generate code among the packages, such as a database client.
    if (!unchanged || hasNewFiles(join(buildDependencies, "node_modules"), began)) await makeProductionCopy();
    keepLayer("build-dependencies", ["cache"], { key });
    rmSync("node_modules");
    symlinkSync(join(dependencies, "node_modules"), "node_modules");
  }
  const comparable = script === null && manifest.scripts?.start !== undefined;
  keepLayer("dependencies", ["launch", "cache"], comparable ? { key, inputs } : { key });
}

async function installInto(layer, lockFile, withDevelopment) {
  startLayer(layer);
  await install(layer, lockFile, withDevelopment);
  finishLayer(layer);
}

async function makeProductionCopy() {
  console.log("       Leaving out development dependencies");
  startLayer(dependencies);
  const copied = spawnSync("cp", ["-a", join(buildDependencies, "node_modules"), dependencies], {
    encoding: "utf8",
  });
  if (copied.status !== 0) throw new Error(`cannot copy dependencies: ${copied.stderr.trim()}`);
  rmSync(join(dependencies, "node_modules/.cache"), { recursive: true, force: true });
  await prune(dependencies);
  finishLayer(dependencies);
}

function startLayer(layer) {
  rmSync(layer, { recursive: true, force: true });
  mkdirSync(layer);
  for (const name of copiedFiles) if (existsSync(name)) copyFileSync(name, join(layer, name));
}

/** Nothing of the app stays in the layer; the folder is there even when no package is for this platform. */
function finishLayer(layer) {
  for (const name of copiedFiles) rmSync(join(layer, name), { force: true });
  mkdirSync(join(layer, "node_modules"), { recursive: true });
}

/** Whether anything was written below `directory` since `began` (Unix ms), caches of tools aside. */
function hasNewFiles(directory, began) {
  return readdirSync(directory, { withFileTypes: true }).some((entry) => {
    if (entry.name === ".cache" || entry.name === ".vite") return false;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return hasNewFiles(path, began);
    return entry.isFile() && statSync(path).mtimeMs >= began;
  });
}

/** Equal keys: installing again would give the same. */
function keyOf(manifest, lockFile, script) {
  const names = Object.keys(process.env)
    .filter((name) => /^(npm_|NODE_ENV$)/i.test(name))
    .sort();
  const parts = [
    process.env.CNB_BUILDPACK_DIR,
    process.env.NODE_VERSION,
    npmVersion(),
    decidingFields.map((field) => manifest[field] ?? null),
    ...[lockFile, ".npmrc"].map((name) =>
      name !== null && existsSync(name) ? readFileSync(name, "utf8") : null,
    ),
    names.map((name) => [name, process.env[name]]),
    script !== null,
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

function cachedKey(layer) {
  if (!existsSync(`${layer}.toml`)) return null;
  return /^key = "(\w+)"$/m.exec(readFileSync(`${layer}.toml`, "utf8"))?.[1] ?? null;
}

function keepLayer(name, types, metadata = {}) {
  mkdirSync(join(layersDir, name), { recursive: true });
  const lines = [
    "[types]",
    ...types.map((type) => `${type} = true`),
    "[metadata]",
    ...Object.entries(metadata).map(([key, value]) => `${key} = "${value}"`),
  ];
  writeFileSync(join(layersDir, `${name}.toml`), `${lines.join("\n")}\n`);
}

function countOf(manifest, fields) {
  return fields.reduce((count, field) => count + Object.keys(manifest[field] ?? {}).length, 0);
}
