import type { Stack } from "../model/image.ts";
import type { BuildpackLayers } from "./buildpack-layers.ts";
import type { Buildpack } from "./buildpack.ts";
import { addBuildEnvironment, prepend, type Environment } from "./layer-environment.ts";
import { nodeSearchPath } from "./machine-node.ts";
import { buildpackDirectory, inside } from "./workspace.ts";

const searchPath = ["/usr/local/bin", "/usr/bin", "/bin"];

/** Search paths that config vars add to instead of replacing them (buildpack spec, "User-Provided Variables"). */
const searchPaths = new Set(["PATH", "CPATH", "LD_LIBRARY_PATH", "LIBRARY_PATH", "PKG_CONFIG_PATH"]);

export interface EnvironmentSources {
  readonly stack: Stack;
  /** What the operator's machine needs to reach the network. */
  readonly operator: Readonly<Record<string, string>>;
  /** The app's config vars. */
  readonly config: Readonly<Record<string, string>>;
}

/** The environment of bin/detect and bin/build; `earlier`: layers of the buildpacks that have built before. */
export async function stepEnvironment(
  { stack, operator, config }: EnvironmentSources,
  buildpack: Buildpack,
  earlier: readonly BuildpackLayers[],
): Promise<Environment> {
  const environment: Environment = {
    LANG: "C.UTF-8",
    // Tools that write times into what they make use this one: the same source gives the same layers.
    SOURCE_DATE_EPOCH: "315532801",
    ...operator,
    HOME: inside.home,
    PATH: [...nodeSearchPath, ...searchPath].join(":"),
  };
  for (const layers of earlier) await addBuildEnvironment(environment, layers.placed("build"));
  if (!buildpack.clearEnv) addConfig(environment, config);
  return {
    ...environment,
    CNB_BUILDPACK_DIR: buildpackDirectory(buildpack),
    CNB_PLATFORM_DIR: inside.platform,
    CNB_APP_DIR: inside.app,
    CNB_EXEC_ENV: "production",
    CNB_STACK_ID: `slipway.${stack.name}`,
    CNB_TARGET_OS: "linux",
    CNB_TARGET_ARCH: process.arch === "x64" ? "amd64" : process.arch,
  };
}

function addConfig(environment: Environment, config: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(config)) {
    if (searchPaths.has(name)) prepend(environment, name, value, ":");
    else environment[name] = value;
  }
}
