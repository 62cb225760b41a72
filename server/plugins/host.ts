import { readdir, readFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { log } from "../lib/log.ts";
import { messageOf } from "../model/error.ts";
import type { Emit, HookName, HookPayloads } from "../model/hook.ts";
import type { Hook, Hooks, Plugin } from "./hooks.ts";
import { parseManifest, type Manifest } from "./manifest.ts";

export interface PluginHostOptions {
  /** One folder a plugin, with plugin.json. Its code is index.js there or, for those shipped with us, the compiled index.ts. */
  readonly pluginsDir: string;
  /** Where plugins keep what they write. */
  readonly dataDir: string;
  readonly log: typeof log;
  /** How long one hook may take. */
  readonly hookTimeoutMs?: number;
}

export interface PluginHost {
  readonly plugins: readonly Manifest[];
  /**
   * Tells every plugin that has the hook, one after the other by name, in the order of the calls. A hook that throws or takes
   * too long is logged.
   */
  readonly emit: Emit;
}

interface LoadedPlugin {
  readonly manifest: Manifest;
  readonly hooks: Hooks;
}

/** Compiled code of the plugins that are shipped with us: dist/plugins, seen from dist/server/plugins. */
const compiledDir = join(import.meta.dirname, "../../plugins");

/** Loads every plugin. One that cannot be loaded is logged and left out: it must not keep the server from starting. */
export async function loadPlugins(options: PluginHostOptions): Promise<PluginHost> {
  const { log, hookTimeoutMs = 10_000 } = options;
  const loaded: LoadedPlugin[] = [];
  for (const folder of await pluginFolders(options.pluginsDir)) {
    try {
      loaded.push(await loadPlugin(folder, options));
    } catch (error) {
      log("plugin not loaded", { plugin: basename(folder), error: messageOf(error) });
    }
  }

  async function tell<Name extends HookName>(name: Name, payload: HookPayloads[Name]): Promise<void> {
    for (const { manifest, hooks } of loaded) {
      const hook: Hook<Name> | undefined = hooks[name];
      if (hook === undefined) continue;
      try {
        await withTimeLimit(hook, payload, hookTimeoutMs);
      } catch (error) {
        log("plugin hook failed", { plugin: manifest.name, hook: name, error: messageOf(error) });
      }
    }
  }

  let last: Promise<void> = Promise.resolve();
  return {
    plugins: loaded.map(({ manifest }) => manifest),
    emit: (name, payload) => (last = last.then(() => tell(name, payload))),
  };
}

async function pluginFolders(pluginsDir: string): Promise<string[]> {
  const entries = await readdir(pluginsDir, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return folders.toSorted().map((name) => join(pluginsDir, name));
}

async function loadPlugin(folder: string, { dataDir, log }: PluginHostOptions): Promise<LoadedPlugin> {
  const name = basename(folder);
  const manifest = parseManifest(await readFile(join(folder, "plugin.json"), "utf8"), name);
  const own = join(folder, "index.js");
  const code = existsSync(own) ? own : join(compiledDir, name, "index.js");
  const { default: plugin } = (await import(pathToFileURL(code).href)) as { default?: Plugin };
  if (typeof plugin !== "function") throw new Error("its code has no default export that is a function");
  const hooks = await plugin({ dataDir, log: (message) => log(message, { plugin: name }) });
  checkHooks(manifest, hooks);
  return { manifest, hooks };
}

/** The manifest is what an operator reads: it must be the truth about the code. */
function checkHooks(manifest: Manifest, hooks: Hooks): void {
  const declared = manifest.hooks.toSorted().join(", ");
  const actual = Object.keys(hooks).toSorted().join(", ");
  if (declared !== actual)
    throw new Error(`plugin.json declares the hooks "${declared}", its code has "${actual}"`);
}

/** Rejects when the hook does, or when it is not done after `limitMs`. */
async function withTimeLimit<Name extends HookName>(
  hook: Hook<Name>,
  payload: HookPayloads[Name],
  limitMs: number,
): Promise<void> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`not done after ${limitMs} ms`));
      controller.abort();
    }, limitMs);
  });
  try {
    await Promise.race([hook(payload, controller.signal), timeUp]);
  } finally {
    clearTimeout(timer);
  }
}
