import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes launch.toml with the web process, when package.json or the names of files tell how to start it. */
export function describeStart(manifest) {
  const command = startCommand(manifest);
  if (command === null) return;
  const words = command.map((word) => JSON.stringify(word)).join(", ");
  writeFileSync(
    join(process.env.CNB_LAYERS_DIR, "launch.toml"),
    `[[processes]]\ntype = "web"\ncommand = [${words}]\ndefault = true\n`,
  );
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
