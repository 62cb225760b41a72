import type { Event } from "../model/event.ts";

/** What a plugin can hear about, and what it is told. */
export interface HookPayloads {
  /** A release serves. */
  readonly deploySucceeded: {
    readonly app: string;
    readonly version: number;
    readonly actor: string;
    readonly urls: readonly string[];
  };
  /** A deploy was given up; the release before it goes on serving. */
  readonly deployFailed: {
    readonly app: string;
    readonly version: number;
    readonly actor: string;
    readonly reason: string;
  };
  /** A process that should run ended by itself. */
  readonly processCrashed: {
    readonly app: string;
    /** Such as "web.1". */
    readonly process: string;
    /** Such as "exit status 1". */
    readonly exit: string;
  };
  /** Anything that is recorded, those above too. */
  readonly event: Event;
}

export type HookName = keyof HookPayloads;

export const hookNames: readonly HookName[] = ["deploySucceeded", "deployFailed", "processCrashed", "event"];

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
