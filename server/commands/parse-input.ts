import { UserError } from "../model/error.ts";
import type { AnyCommand } from "./command.ts";
import type { Argument, Flag, RawInput } from "./input.ts";
import { usage } from "./usage.ts";

export interface ParsedInput {
  readonly input: RawInput;
  readonly format: "stdout" | "json";
}

type Values = Record<string, RawInput[string]>;

const formatFlag: Flag = { kind: "choice", choices: ["stdout", "json"], summary: "" };

/** Reads the words behind a command's name by its declaration. `app` is what the global flag --app named. */
export function parseInput(command: AnyCommand, words: readonly string[], app: string | null): ParsedInput {
  const flags: Record<string, Flag> = { format: formatFlag, ...command.flags };
  const values: Values = {};
  for (const [name, flag] of Object.entries(flags)) values[name] = initialValue(flag);
  const positionals = takeFlags(command, flags, words, values);
  const format = values["format"] === "json" ? "json" : "stdout";
  if (!("format" in command.flags)) delete values["format"];
  const takesApp = Object.values(command.args)[0]?.kind.includes("app") === true;
  takeArguments(
    command,
    takesApp && app !== null ? [app, ...positionals] : positionals,
    app !== null,
    values,
  );
  return { input: values, format };
}

function initialValue(flag: Flag): RawInput[string] {
  if (flag.kind === "switch") return false;
  if (flag.kind === "rows") return [];
  return flag.kind === "choice" ? (flag.choices[0] ?? null) : null;
}

/** Stores the values of flags and returns the words that are none. */
function takeFlags(
  command: AnyCommand,
  flags: Readonly<Record<string, Flag>>,
  words: readonly string[],
  values: Values,
): string[] {
  const positionals: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") return [...positionals, ...words.slice(at + 1)];
    if (!word.startsWith("-") || word === "-") {
      positionals.push(word);
      continue;
    }
    const { name, attached } = nameOf(word, flags);
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    const rows = Object.entries(flags).find(([, each]) => each.kind === "rows")?.[0];
    if (flag === undefined && rows !== undefined) {
      values[rows] = [...(values[rows] as string[]), word];
    } else if (flag === undefined || flag.kind === "rows") {
      throw new UserError(`Unknown flag ${word}: see ${command.name} --help`);
    } else if (flag.kind === "switch") {
      if (attached !== null) throw new UserError(`--${name} takes no value`);
      values[name] = true;
    } else {
      values[name] = flagValue(name, flag, attached ?? words[++at]);
    }
  }
  return positionals;
}

/** "--num=5", "--num", "-n" and "-n5" all name the flag "num". */
function nameOf(
  word: string,
  flags: Readonly<Record<string, Flag>>,
): { name: string; attached: string | null } {
  if (word.startsWith("--")) {
    const [name = "", ...value] = word.slice(2).split("=");
    return { name, attached: value.length > 0 ? value.join("=") : null };
  }
  const known = Object.entries(flags).find(([, flag]) => flag.short === word.charAt(1));
  return { name: known?.[0] ?? "", attached: word.length > 2 ? word.slice(2) : null };
}

function flagValue(name: string, flag: Flag, text: string | undefined): string | number {
  if (text === undefined) throw new UserError(`--${name} needs a value`);
  if (flag.kind === "choice" && !flag.choices.includes(text))
    throw new UserError(`--${name} must be one of ${flag.choices.join(", ")}, not "${text}"`);
  if (flag.kind !== "number") return text;
  if (!/^\d{1,9}$/.test(text)) throw new UserError(`--${name} must be a whole number, not "${text}"`);
  return Number(text);
}

function takeArguments(
  command: AnyCommand,
  positionals: readonly string[],
  appGiven: boolean,
  values: Values,
): void {
  const left = [...positionals];
  for (const [name, argument] of Object.entries(command.args)) {
    // With --global or --all the app is not among the words; one that --app inserted is dropped.
    if (
      argument.kind === "optional-app" &&
      argument.unless !== undefined &&
      values[argument.unless] === true
    ) {
      if (appGiven) left.shift();
      values[name] = null;
    } else {
      values[name] = argument.kind === "words" ? left.splice(0) : takeWord(command, argument, left.shift());
    }
  }
  // Dokku's own client names the app twice, with --app and in its place.
  if (left.length > 0 && !appGiven)
    throw new UserError(`Unexpected argument "${left[0]}". Usage: ${usage(command)}`);
}

function takeWord(
  command: AnyCommand,
  argument: Exclude<Argument, { kind: "words" }>,
  word: string | undefined,
): string | null {
  if (word !== undefined) return word;
  if (argument.kind === "optional-word") return null;
  if (argument.kind === "optional-app" && argument.unless === undefined) return null;
  if (argument.kind === "word") throw new UserError(`Missing <${argument.label}>. Usage: ${usage(command)}`);
  throw new UserError("Please specify an app to run the command on");
}
