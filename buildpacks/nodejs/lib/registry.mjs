import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Every version of a package that the npm registry has. */
export function publishedVersions(name) {
  return JSON.parse(npm(["view", name, "versions", "--json"], "look up Node.js versions"));
}

/** Unpacks the newest `wanted` of a package into `directory`. npm checks the archive against the registry's sha512. */
export function download(name, wanted, directory) {
  const scratch = mkdtempSync(join(tmpdir(), "package-"));
  const printed = npm(
    ["pack", `${name}@${wanted}`, "--json", "--pack-destination", scratch],
    `download ${name}`,
  );
  const packed = JSON.parse(printed);
  // npm 12 prints an object by package name, earlier ones a list.
  const [{ filename }] = Array.isArray(packed) ? packed : Object.values(packed);
  mkdirSync(directory, { recursive: true });
  const archive = join(scratch, filename);
  const { status, stderr } = spawnSync("tar", ["-xzf", archive, "-C", directory, "--strip-components=1"], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`cannot unpack ${name}: ${stderr.trim()}`);
  rmSync(scratch, { recursive: true });
}

/** Runs npm outside of the app, so that no .npmrc of the app redirects it. */
function npm(args, purpose) {
  const scratch = mkdtempSync(join(tmpdir(), "npm-"));
  const options = ["--cache", scratch, "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=10000"];
  const { status, stdout, stderr, error } = spawnSync("npm", [...args, ...options], {
    cwd: tmpdir(),
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  rmSync(scratch, { recursive: true, force: true });
  if (error) throw new Error(`cannot ${purpose}: npm is not on this machine (${error.code})`);
  if (status === 0) return stdout;
  const [, code] = /npm (?:error|ERR!) code (\w+)/.exec(stderr) ?? [];
  throw new Error(`cannot ${purpose} at the npm registry: ${code ?? stderr.trim().split("\n")[0]}`);
}
