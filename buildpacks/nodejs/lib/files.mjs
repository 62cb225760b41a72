import { readFileSync, writeFileSync } from "node:fs";

/** The parsed file, null when there is none. Throws an Error that names the file when it is not JSON. */
export function readJson(path) {
  const text = readText(path);
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${path} is not valid JSON: ${error.message}`);
  }
}

/** The first line that says something, null when there is none. */
export function readLine(path) {
  const lines = (readText(path) ?? "").split("\n").map((line) => line.replace(/#.*/, "").trim());
  return lines.find((line) => line !== "") ?? null;
}

function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return null;
    throw error;
  }
}

/** What the previous build wrote with `writeLayer`: strings only, which TOML and JSON write alike. Null when nothing. */
export function cachedMetadata(path) {
  const text = readText(path);
  if (text === null) return null;
  return Object.fromEntries(
    [...text.matchAll(/^(\w+) = (".*")$/gm)].map(([, key, value]) => [key, JSON.parse(value)]),
  );
}

export function writeLayer(path, metadata) {
  const lines = Object.entries(metadata).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  const types = "[types]\nlaunch = true\nbuild = true\ncache = true\n";
  writeFileSync(path, `${types}\n[metadata]\n${lines.join("\n")}\n`);
}
