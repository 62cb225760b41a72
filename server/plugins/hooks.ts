import type { HookName, HookPayloads } from "../model/hook.ts";

/** `signal` aborts when the hook's time is up: nobody waits for it from then on. */
export type Hook<Name extends HookName> = (
  payload: HookPayloads[Name],
  signal: AbortSignal,
) => Promise<void> | void;

export type Hooks = { readonly [Name in HookName]?: Hook<Name> };

/** What a plugin is given when it is loaded. */
export interface PluginContext {
  readonly dataDir: string;
  /** Writes to the server's log, under the plugin's name. */
  readonly log: (message: string) => void;
}

/** The default export of a plugin's index.ts. */
export type Plugin = (context: PluginContext) => Hooks | Promise<Hooks>;
