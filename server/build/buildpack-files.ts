import { parse, stringify, TomlDate, type TomlTable, type TomlValue } from "smol-toml";
import { messageOf, UserError } from "../model/error.ts";
import type { PlanSections, Require } from "./plan.ts";

/** What buildpacks and lifecycle tell each other in TOML files (buildpack spec, "Data Format"). */
export interface LayerFile {
  readonly launch: boolean;
  readonly build: boolean;
  readonly cache: boolean;
  readonly metadata: TomlTable;
}

export interface LaunchProcess {
  readonly type: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  /** Run as it is; false: `command` is a line for a shell. */
  readonly direct: boolean;
  readonly workingDirectory: string | null;
}

/** Reads a file of a buildpack; `where` names it in messages. Throws a UserError when it is not TOML. */
export function parseBuildpackFile(text: string, where: string): TomlTable {
  try {
    return parse(text);
  } catch (error) {
    const reason = messageOf(error).split("\n")[0]?.replace("Invalid TOML document: ", "");
    throw new UserError(`${where} cannot be read: ${reason}`, { cause: error });
  }
}

/** The plan of bin/detect: the first choice, then each alternative. */
export function readPlan(toml: TomlTable): PlanSections[] {
  return [toml, ...tables(toml["or"])].map((sections) => ({
    provides: tables(sections["provides"]).map((each) => text(each["name"])),
    requires: tables(sections["requires"]).map((each) => ({
      name: text(each["name"]),
      metadata: table(each["metadata"]),
    })),
  }));
}

/** The plan that bin/build reads. */
export function writePlan(entries: readonly Require[]): string {
  return stringify({
    entries: entries.map(({ name, metadata }) => ({ name, metadata: metadata as TomlTable })),
  });
}

/** Names of plan entries that a buildpack left to later ones (build.toml). */
export function readUnmet(toml: TomlTable): string[] {
  return tables(toml["unmet"]).map((each) => text(each["name"]));
}

/** Flags outside of [types], as old buildpacks have them, are an error in every supported API. */
export function readLayerFile(toml: TomlTable, where: string): LayerFile {
  for (const flag of ["launch", "build", "cache"]) {
    if (flag in toml) throw new UserError(`${where}: "${flag}" belongs under [types]`);
  }
  const types = table(toml["types"]);
  const set = (flag: string) => types[flag] === true;
  return {
    launch: set("launch"),
    build: set("build"),
    cache: set("cache"),
    metadata: table(toml["metadata"]),
  };
}

/** What a restored layer's file holds: never [types], the buildpack must say again that it wants the layer. */
export function writeMetadata(metadata: TomlTable): string {
  return stringify({ metadata });
}

/**
 * Processes of launch.toml, which the app's build may have written. `api`: minor number of the buildpack's API; before
 * 0.9 a command is a line of shell.
 */
export function readProcesses(toml: TomlTable, api: number, where: string): LaunchProcess[] {
  return tables(toml["processes"]).map((each) => {
    const type = text(each["type"]);
    // It becomes part of paths: names that a Procfile may have, too.
    if (!/^[A-Za-z0-9_-]{1,63}$/.test(type))
      throw new UserError(`${where}: "${type.slice(0, 60)}" cannot name a process type`);
    const command = api < 9 ? [text(each["command"])] : texts(each["command"]);
    if ((command[0] ?? "") === "") throw new UserError(`${where}: process type ${type} has no command`);
    return {
      type,
      command,
      args: texts(each["args"]),
      direct: api >= 9 || each["direct"] === true,
      workingDirectory: text(each["working-dir"]) || null,
    };
  });
}

export function table(value: TomlValue | undefined): TomlTable {
  const isTable = typeof value === "object" && !Array.isArray(value) && !(value instanceof TomlDate);
  return isTable ? value : {};
}

function tables(value: TomlValue | undefined): TomlTable[] {
  return Array.isArray(value) ? value.map(table) : [];
}

function texts(value: TomlValue | undefined): string[] {
  return Array.isArray(value) ? value.map(text) : [];
}

function text(value: TomlValue | undefined): string {
  return typeof value === "string" ? value : "";
}
