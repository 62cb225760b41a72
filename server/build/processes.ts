import { lstat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UserError } from "../model/error.ts";
import type { ProcessCommand } from "../model/image.ts";
import { parseProcfile } from "../model/procfile.ts";
import { readProcesses, type LaunchProcess } from "./buildpack-files.ts";
import type { BuildpackLayers } from "./buildpack-layers.ts";
import { addLaunchEnvironment, type Environment } from "./layer-environment.ts";
import { readUntrusted } from "./untrusted-files.ts";
import { inside } from "./workspace.ts";

const searchPath = "/usr/local/bin:/usr/bin:/bin";

/** The Procfile of a source tree; empty when it has none. Throws a UserError when it cannot be read. */
export async function readProcfile(sourceDir: string): Promise<ReadonlyMap<string, string>> {
  const path = join(sourceDir, "Procfile");
  if ((await lstat(path).catch(() => null)) === null) return new Map();
  const text = await readUntrusted(path);
  if (text === null) throw new UserError("Invalid Procfile: it must be a file, not a link, of at most 1 MiB");
  return parseProcfile(text);
}

/** How each process type of the app starts: what the Procfile says wins over what buildpacks say, later ones over earlier. */
export async function describeProcesses(
  procfile: ReadonlyMap<string, string>,
  buildpacks: readonly BuildpackLayers[],
): Promise<Record<string, ProcessCommand>> {
  const starts = new Map<string, Pick<ProcessCommand, "argv" | "cwd">>();
  for (const layers of buildpacks) {
    const launch = await layers.readFile("launch.toml");
    for (const process of readProcesses(
      launch,
      layers.buildpack.api,
      `${layers.buildpack.name} buildpack: launch.toml`,
    ))
      starts.set(process.type, {
        argv: argvOf(process),
        cwd: resolve(inside.app, process.workingDirectory ?? ""),
      });
  }
  for (const [type, command] of procfile) starts.set(type, { argv: shell(command), cwd: inside.app });
  const described: Record<string, ProcessCommand> = {};
  for (const [type, start] of starts)
    described[type] = { ...start, env: await launchEnvironment(buildpacks, type) };
  return described;
}

function argvOf({ command, args, direct }: LaunchProcess): string[] {
  if (direct) return [...command, ...args];
  const line = command.join(" ");
  return args.length === 0 ? shell(line) : [...shell(`${line} "$@"`), "bash", ...args];
}

function shell(line: string): string[] {
  return ["/bin/bash", "-c", line];
}

async function launchEnvironment(buildpacks: readonly BuildpackLayers[], type: string): Promise<Environment> {
  const environment: Environment = { PATH: searchPath };
  for (const layers of buildpacks) await addLaunchEnvironment(environment, layers.placed("launch"), type);
  return environment;
}
