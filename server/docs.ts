import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { commands } from "./commands/registry.ts";
import { usage } from "./commands/usage.ts";
import { writeFileAtomic } from "./lib/atomic-file.ts";
import { packageRoot } from "./paths.ts";

const [begin, end] = ["<!-- commands -->", "<!-- /commands -->"];

/** The commands as a Markdown table, made from their declarations. */
export function commandTable(): string {
  const rows = commands.map((command) => {
    const note = command.role === "admin" ? " (administrators)" : "";
    return [`\`${usage(command)}\``, `${command.summary}${note}`].map((cell) => cell.replaceAll("|", "\\|"));
  });
  const [left, right] = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = ([first = "", second = ""]: string[], fill = " ") =>
    `| ${first.padEnd(left ?? 0, fill)} | ${second.padEnd(right ?? 0, fill)} |`;
  return [line(["Command", "What it does"]), line(["-", "-"], "-"), ...rows.map((row) => line(row))].join(
    "\n",
  );
}

/** The text with everything between the markers replaced by the table. Throws when a marker is missing. */
export function withCommandTable(text: string): string {
  const [start, stop] = [text.indexOf(begin), text.indexOf(end)];
  if (start < 0 || stop < start) throw new Error(`README.md needs ${begin} and ${end} around the table`);
  return `${text.slice(0, start + begin.length)}\n\n${commandTable()}\n\n${text.slice(stop)}`;
}

// `npm run docs` runs this file; tests only import it.
if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const readme = join(packageRoot, "README.md");
  await writeFileAtomic(readme, withCommandTable(await readFile(readme, "utf8")), 0o644);
}
