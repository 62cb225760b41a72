import type { Event } from "./event.ts";

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

/** Tells the plugins. Never rejects; resolves when all have been told, which a deploy has no reason to wait for. */
export type Emit = <Name extends HookName>(hook: Name, payload: HookPayloads[Name]) => Promise<void>;
