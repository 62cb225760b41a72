import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";

const environment = {
  ...process.env,
  npm_config_cache: join(process.env.CNB_LAYERS_DIR, "npm-cache"),
  // Headers for native addons, which node-gyp would download.
  npm_config_nodedir: dirname(dirname(realpathSync(programPath("node")))),
  npm_config_update_notifier: "false",
  npm_config_audit: "false",
  npm_config_fund: "false",
  npm_config_prefer_offline: "true",
};

/** The first program of that name on the search path. */
export function programPath(name) {
  for (const folder of process.env.PATH.split(delimiter)) {
    if (existsSync(join(folder, name))) return join(folder, name);
  }
  throw new Error(`${name} is not on the search path`);
}

export function npmVersion() {
  const folder = dirname(dirname(realpathSync(programPath("npm"))));
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version;
}

/** Installs the packages of `directory`'s package.json, exactly those of its lock file if there is one. */
export async function install(directory, lockFile, withDevelopment) {
  const which = withDevelopment ? "--include=dev" : "--omit=dev";
  const command = lockFile === null ? "install" : "ci";
  console.log(`       Installing dependencies with npm ${command}${withDevelopment ? "" : " --omit=dev"}`);
  const { status, output } = await run([command, which], directory);
  if (status === 0) return;
  // npm ci refuses a lock file that does not match package.json.
  if (command === "ci" && /npm (?:error|ERR!) code EUSAGE/.test(output)) {
    console.error(` !     ${lockFile} does not match package.json; run npm install and commit the lock file`);
    console.log("       Installing dependencies with npm install instead");
    const again = await run(["install", which], directory);
    if (again.status !== 0) throw new Error(`npm install failed (${reasonOf(again)})`);
    return;
  }
  throw new Error(`npm ${command} failed (${reasonOf({ status, output })})`);
}

/** Removes development dependencies from `directory`. */
export async function prune(directory) {
  const result = await run(["prune", "--omit=dev", "--ignore-scripts"], directory);
  if (result.status !== 0) throw new Error(`npm prune failed (${reasonOf(result)})`);
}

/** Runs a script of package.json in the app, its output as it comes. */
export async function runScript(name) {
  console.log(`       Running npm run ${name}`);
  const { status } = await run(["run", name], ".", { NODE_ENV: process.env.NODE_ENV ?? "production" });
  if (status !== 0) throw new Error(`npm run ${name} failed (exit status ${status})`);
}

const networkCodes = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "ETIMEDOUT",
  "ENETUNREACH",
]);

/** Why npm failed, from what it printed: lines such as "npm error code E404" and then "npm error 404 …". */
function reasonOf({ status, output }) {
  const code = /npm (?:error|ERR!) code (E\w+)/.exec(output)?.[1];
  if (code === undefined) return `exit status ${status}`;
  if (networkCodes.has(code)) return `the npm registry cannot be reached: ${code}`;
  const details = [...output.matchAll(/^npm (?:error|ERR!) (?!code )\w+ +(.*\S)$/gm)].map(([, text]) => text);
  return `${code}: ${details.find((text) => !text.includes("://")) ?? `exit status ${status}`}`;
}

/** Runs npm and passes on its output, indented, line by line. */
async function run(args, directory, extra = {}) {
  const child = spawn("npm", args, {
    cwd: directory,
    env: { ...environment, ...extra },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines = [];
  const relay = async (input, print) => {
    for await (const line of createInterface({ input })) {
      lines.push(line);
      if (line !== "") print(`       ${line}`);
    }
  };
  const closed = once(child, "close");
  await Promise.all([relay(child.stdout, console.log), relay(child.stderr, console.error)]);
  const [status] = await closed;
  return { status, output: lines.join("\n") };
}
