import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, sep } from "node:path";

const layersDir = process.env.CNB_LAYERS_DIR;

function main() {
  const root = siteRoot();
  console.log(`       Serving ${root === "." ? "the whole repository" : root}`);
  const layer = join(layersDir, "server");
  mkdirSync(join(layer, "bin"), { recursive: true });
  copyFileSync(join(process.env.CNB_BUILDPACK_DIR, "lib/server.mjs"), join(layer, "server.mjs"));
  // The builder's Node.js is there when the app runs only if it belongs to the stack.
  if (!process.execPath.startsWith("/usr/")) copyFileSync(process.execPath, join(layer, "bin/node"));
  writeFileSync(`${layer}.toml`, "[types]\nlaunch = true\n");
  const command = ["node", join(layer, "server.mjs"), join("/app", root)].map((word) => JSON.stringify(word));
  writeFileSync(
    join(layersDir, "launch.toml"),
    `[[processes]]\ntype = "web"\ncommand = [${command.join(", ")}]\ndefault = true\n`,
  );
}

function siteRoot() {
  const { root, source } = chosenRoot();
  const isFolder = existsSync(root) && statSync(root).isDirectory();
  if (!isFolder) throw new Error(`${source} names the folder ${root}, which is not there`);
  if (!`${realpathSync(root)}/`.startsWith(`${process.cwd()}${sep}`))
    throw new Error(`${source} names ${root}, which is outside of the app`);
  return root;
}

function chosenRoot() {
  const configured = { "static.json": staticJson, Staticfile: staticfile };
  for (const [source, read] of Object.entries(configured)) {
    const root = existsSync(source) ? read(readFileSync(source, "utf8")) : "";
    if (root !== "") return { root, source };
  }
  return { root: existsSync("public/index.html") ? "public" : ".", source: "the repository" };
}

/** Cloud Foundry's format, of which only the root is read. */
function staticfile(text) {
  return /^root:\s*["']?([^"'\n]+?)["']?\s*$/m.exec(text)?.[1] ?? "";
}

/** Heroku's format, of which only the root is read. */
function staticJson(text) {
  try {
    return String(JSON.parse(text).root ?? "");
  } catch (error) {
    throw new Error(`static.json is not valid JSON: ${error.message}`);
  }
}

try {
  main();
} catch (error) {
  console.error(` !     ${error.message}`);
  process.exitCode = 1;
}
