import type { App } from "../model/app.ts";

/** A positional argument; a command takes its arguments in the order of their declaration. */
export type Argument =
  | { readonly kind: "app" }
  /** May be left out; with `unless`, only when that flag is given instead. */
  | { readonly kind: "optional-app"; readonly unless?: "global" | "all" }
  /** The name of an app that need not exist. */
  | { readonly kind: "app-name" }
  | { readonly kind: "word"; readonly label: string }
  | { readonly kind: "optional-word"; readonly label: string }
  /** All that is left; `secret` words are never recorded. */
  | { readonly kind: "words"; readonly label: string; readonly secret?: boolean };

interface FlagBase {
  readonly summary: string;
  /** One letter, without its dash. */
  readonly short?: string;
}

export type Flag =
  | (FlagBase & { readonly kind: "switch" })
  | (FlagBase & { readonly kind: "text"; readonly label: string })
  | (FlagBase & { readonly kind: "number"; readonly label: string })
  /** One of a few words; the first when it is left out. */
  | (FlagBase & { readonly kind: "choice"; readonly choices: readonly string[] })
  /** Takes the names of all flags that are not declared, as reports do: each asks for one row. */
  | (FlagBase & { readonly kind: "rows" });

export type Arguments = Readonly<Record<string, Argument>>;
export type Flags = Readonly<Record<string, Flag>>;

interface ArgumentValues {
  readonly app: App;
  readonly "optional-app": App | null;
  readonly "app-name": string;
  readonly word: string;
  readonly "optional-word": string | null;
  readonly words: readonly string[];
}

interface FlagValues {
  readonly switch: boolean;
  readonly text: string | null;
  readonly number: number | null;
  readonly choice: string;
  readonly rows: readonly string[];
}

type FlagValue<F extends Flag> = F extends { readonly choices: readonly (infer Choice)[] }
  ? Choice
  : FlagValues[F["kind"]];

/** What `run` gets: the values of all arguments and flags by name. */
export type Input<A extends Arguments, F extends Flags> = {
  readonly [Name in keyof A]: ArgumentValues[A[Name]["kind"]];
} & { readonly [Name in keyof F]: FlagValue<F[Name]> };

/** The same before access was checked: apps are still names. */
export type RawInput = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

export const app = { kind: "app" } as const;
export const optionalApp = { kind: "optional-app" } as const;
export const appOrGlobal = { kind: "optional-app", unless: "global" } as const;
export const appOrAll = { kind: "optional-app", unless: "all" } as const;
export const globalFlag = { kind: "switch", summary: "for all apps, instead of one" } as const;
export const allFlag = { kind: "switch", summary: "every app, instead of one" } as const;
