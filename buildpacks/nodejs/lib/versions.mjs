import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";

const ltsNames = { gallium: 16, hydrogen: 18, iron: 20, jod: 22, krypton: 24 };

/** What the app asks for, as a semver range, and who says so. */
export function requestedVersion(manifest, nvmrc, nodeVersion) {
  const engine = manifest.engines?.node;
  if (typeof engine === "string" && engine.trim() !== "")
    return { range: engine.trim(), source: `engines.node "${engine.trim()}" in package.json` };
  if (nvmrc !== null) return { range: rangeOf(nvmrc), source: `"${nvmrc}" in .nvmrc` };
  if (nodeVersion !== null)
    return { range: rangeOf(nodeVersion), source: `"${nodeVersion}" in .node-version` };
  return { range: "lts", source: "newest LTS, as engines.node in package.json does not say" };
}

/** nvm's names as semver ranges. */
function rangeOf(name) {
  if (name === "lts/*") return "lts";
  if (["node", "latest", "current", "stable"].includes(name)) return "*";
  const [, codename] = /^lts\/(\w+)$/.exec(name) ?? [];
  return codename === undefined ? name : `${ltsNames[codename] ?? name}`;
}

/** The newest LTS that the range allows, else the newest of all. Throws when nothing does. */
export function chooseVersion(range, source, versions, now = new Date()) {
  const semver = npmSemver();
  const stable = versions.filter((version) => semver.prerelease(version) === null);
  const lts = stable.filter((version) => isLts(semver.major(version), now));
  if (range === "lts") return semver.maxSatisfying(lts, "*");
  if (semver.validRange(range) === null) throw new Error(`cannot read the Node.js version ${source}`);
  const chosen = semver.maxSatisfying(lts, range) ?? semver.maxSatisfying(stable, range);
  if (chosen === null)
    throw new Error(`no Node.js version fits ${source}; the newest is ${semver.maxSatisfying(stable, "*")}`);
  return chosen;
}

/** Even majors come in April and are LTS from the end of October: 20 in 2023, 22 in 2024, … */
function isLts(major, now) {
  return major % 2 === 0 && now >= new Date(Date.UTC(2013 + major / 2, 9, 28));
}

/** The semver that npm itself uses. */
function npmSemver() {
  for (const folder of process.env.PATH.split(delimiter)) {
    try {
      return createRequire(realpathSync(join(folder, "npm")))("semver");
    } catch (error) {
      if (!["ENOENT", "ENOTDIR", "MODULE_NOT_FOUND"].includes(error.code)) throw error;
    }
  }
  throw new Error("npm is not on this machine");
}
