import { copyFileSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const layersDir = process.env.CNB_LAYERS_DIR;

/** Writes launch.toml with the web process, when package.json or the names of files tell how to start it. */
export function describeStart(manifest) {
  const command = startCommand(manifest);
  if (command === null) return;
  const words = command.map((word) => JSON.stringify(word)).join(", ");
  const launch = join(layersDir, "launch.toml");
  writeFileSync(launch, `[[processes]]\ntype = "web"\ncommand = [${words}]\ndefault = true\n`);
  // For bin/build, when nothing has changed the next time.
  mkdirSync(join(layersDir, "start"), { recursive: true });
  copyFileSync(launch, join(layersDir, "start/launch.toml"));
  writeFileSync(join(layersDir, "start.toml"), "[types]\ncache = true\n");
}

function startCommand({ scripts = {}, main }) {
  const { prestart, start } = scripts;
  if (start) {
    const line = prestart ? `${prestart} && ${start}` : start;
    // npm sets variables for its scripts; all others start faster and get signals themselves without it.
    return /\bnpm_/.test(line) ? ["npm", "start"] : ["/bin/bash", "-c", line];
  }
  const named = main ? [main, `${main}.js`, join(main, "index.js")] : [];
  const file = [...named, "server.js", "index.js", "app.js"].find(isFile);
  return file === undefined ? null : ["node", file];
}

function isFile(path) {
  return existsSync(path) && statSync(path).isFile();
}
