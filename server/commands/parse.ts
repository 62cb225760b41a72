import { UserError } from "../model/error.ts";
import type { AnyCommand } from "./command.ts";
import { parseInput } from "./parse-input.ts";
import type { RawInput } from "./input.ts";

/** A command line that was understood; nothing is checked yet against who asks. */
export interface ParsedLine {
  readonly command: AnyCommand;
  readonly input: RawInput;
  readonly quiet: boolean;
  readonly force: boolean;
  readonly format: "stdout" | "json";
}

/** Dokku's shorthands. */
const aliases: ReadonlyMap<string, string> = new Map([
  ["-h", "help"],
  ["--help", "help"],
  ["-v", "version"],
  ["--version", "version"],
  ["apps", "apps:list"],
  ["config", "config:show"],
  ["ps", "ps:report"],
]);

interface GlobalFlags {
  quiet: boolean;
  force: boolean;
  app: string | null;
}

/** Finds the command and reads its input. Throws a UserError that says what is wrong with the words. */
export function parse(words: readonly string[], commands: readonly AnyCommand[]): ParsedLine {
  const globals: GlobalFlags = { quiet: false, force: false, app: null };
  const [name = "help", ...rest] = withoutProgramName(takeGlobalFlags(words, globals));
  const asked = helpTopic(name, rest, commands);
  const command = commands.find(
    (each) => each.name === (asked === null ? (aliases.get(name) ?? name) : "help"),
  );
  if (command === undefined) throw unknownCommand(name);
  const { quiet, force } = globals;
  if (asked !== null) {
    const input = { ...parseInput(command, [], null).input, topic: asked };
    return { command, input, quiet, force, format: "stdout" };
  }
  // git asks for the path of a URL: "/blog".
  const given = name.startsWith("git-") ? rest.map((word) => word.replace(/^\//, "")) : rest;
  return { command, quiet, force, ...parseInput(command, given, globals.app) };
}

/** Takes --quiet, --force, --trace and --app out of the words, wherever they are before a "--". */
function takeGlobalFlags(words: readonly string[], globals: GlobalFlags): string[] {
  // ssh(1) passes on a "--" that it did not need itself.
  let start = 0;
  while (words[start] === "--") start += 1;
  const kept: string[] = [];
  for (let at = start; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") return [...kept, ...words.slice(at)];
    if (word === "--quiet") globals.quiet = true;
    else if (word === "--force") globals.force = true;
    else if (word.startsWith("--app=")) globals.app = word.slice("--app=".length);
    else if (word === "--app") globals.app = words[++at] ?? "";
    else if (word !== "--trace") kept.push(word);
  }
  return kept;
}

/** Clients that expect a shell send the program's name first. */
function withoutProgramName(words: readonly string[]): readonly string[] {
  return words[0] === "dokku" || words[0] === "slipway" ? words.slice(1) : words;
}

/** What help is asked about: `apps:help`, `apps` where that is no command, `apps:create --help`; null when no help is. */
function helpTopic(name: string, rest: readonly string[], commands: readonly AnyCommand[]): string | null {
  if (name.endsWith(":help")) return name.slice(0, -":help".length);
  if (aliases.has(name) || commands.some((command) => command.name === name)) {
    const flags = rest.slice(0, rest.includes("--") ? rest.indexOf("--") : undefined);
    return flags.includes("--help") ? (aliases.get(name) ?? name) : null;
  }
  return commands.some((command) => command.name.startsWith(`${name}:`)) ? name : null;
}

/** Clients look for these very words. */
export function unknownCommand(name: string): UserError {
  return new UserError(
    `\`${name}\` is not a dokku command.\nSee \`dokku help\` for a list of available commands.`,
  );
}
