import { lstatSync, readFileSync, rmSync } from "node:fs";
import { installDependencies } from "./dependencies.mjs";
import { describeStart } from "./start.mjs";

async function main() {
  const manifest = readManifest();
  if (lstatSync("node_modules", { throwIfNoEntry: false }) !== undefined) {
    console.error(
      " !     Ignoring node_modules of the repository: dependencies are installed from package.json",
    );
    rmSync("node_modules", { recursive: true });
  }
  await installDependencies(manifest, process.argv[2]);
  describeStart(manifest);
}

function readManifest() {
  let manifest;
  try {
    manifest = JSON.parse(readFileSync("package.json", "utf8"));
  } catch (error) {
    throw new Error(`package.json is not valid JSON: ${error.message}`);
  }
  if (typeof manifest !== "object" || manifest === null || Array.isArray(manifest))
    throw new Error("package.json must hold a JSON object");
  return manifest;
}

try {
  await main();
} catch (error) {
  console.error(` !     ${error.message}`);
  process.exitCode = 1;
}
