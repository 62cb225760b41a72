import { builtinModules } from "node:module";
import { posix } from "node:path";

export interface Import {
  /** Importing file, relative to the package, such as "server/ssh/server.ts". */
  readonly from: string;
  /** As written, such as "../model/app.ts" or "express". */
  readonly specifier: string;
}

/** Rooms of server/, the lowest floor first. */
const rooms = [
  ["model", "lib"],
  ["state", "git", "build", "image", "runtime", "proxy"],
  ["deploy", "plugins"],
  ["commands"],
  ["ssh", "http", "dashboard"],
];
/** Of main, compose and their like. */
const top = rooms.length;

/** The nouns and rules know nothing of the machine: these built-in modules only compute. */
const pureModules = new Set(["node:path", "node:util", "node:url", "node:crypto", "node:stream"]);

/** Every module that the source text of `file` imports, statically or with import(). */
export function importsOf(file: string, source: string): Import[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const statements = code.matchAll(
    /^\s*(?:import|export)\s+[\w*{][\w\s,*{}]*?\bfrom\s*["']([^"']+)["']|^\s*import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm,
  );
  return [...statements].map((match) => ({ from: file, specifier: (match[1] ?? match[2] ?? match[3])! }));
}

/** Null when the import keeps to the floors (ARCHITECTURE.md), otherwise what is wrong with it. */
export function floorViolation({ from, specifier }: Import): string | null {
  if (from.startsWith("test/")) return null;
  if (!specifier.startsWith(".")) return outsideViolation(from, specifier);
  const target = posix.join(posix.dirname(from), specifier);
  const complain = (rule: string) => `${from} imports ${target}: ${rule}`;

  const [here, there] = [placeOf(from), placeOf(target)];
  if (here === there) return null;
  if (there === "native") return here === "server/runtime" ? null : complain("only server/runtime/ may");
  if (here === "native") return complain("native/ imports nothing of ours");
  if (there === "test") return complain("only tests may import from test/");
  // Starts the server as another process and drives it from outside.
  if (here === "deploy")
    return there.startsWith("server") ? null : complain("deploy/ may import from server/ only");
  if (here.startsWith("plugins/")) return pluginViolation(target, there, complain);
  if (!there.startsWith("server/")) return complain("server/ imports only from server/");

  const [floor, targetFloor] = [floorOf(here), floorOf(there)];
  if (floor < 0) return complain(`${here} is on no floor`);
  if (targetFloor < 0) return complain(`${there} is on no floor`);
  return targetFloor < floor
    ? null
    : complain(`floor ${floor} may only import from below, that is floor ${targetFloor}`);
}

function outsideViolation(from: string, specifier: string): string | null {
  const builtin = specifier.startsWith("node:");
  if (!builtin && builtinModules.includes(specifier))
    return `${from} imports ${specifier}: write node:${specifier}`;
  if (placeOf(from) === "server/model" && builtin && !pureModules.has(specifier))
    return `${from} imports ${specifier}: model/ does no input or output`;
  return null;
}

function pluginViolation(target: string, there: string, complain: (rule: string) => string): string | null {
  const allowed = target === "server/plugins/hooks.ts" || there === "server/model" || there === "server/lib";
  return allowed ? null : complain("a plugin may import server/plugins/hooks.ts, model/ and lib/");
}

/** The room that a file is in: "server/state", "plugins/audit-log", "server" for main, compose and their like. */
function placeOf(file: string): string {
  const [first, second, third] = file.split("/");
  // Where things are on disk, without any input or output: known to all like the nouns.
  if (file === "server/paths.ts") return "server/lib";
  const inRoom = (first === "server" || first === "plugins") && third !== undefined;
  return inRoom ? `${first}/${second}` : first!;
}

/** -1 for a folder that the design does not know. */
function floorOf(place: string): number {
  const room = place.slice("server/".length);
  return place === "server" ? top : rooms.findIndex((floor) => floor.includes(room));
}
