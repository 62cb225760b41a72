import { UserError } from "../model/error.ts";
import type { App } from "../model/app.ts";
import { visibleApps } from "./access.ts";
import { defineCommand, type CommandContext } from "./command.ts";
import { optionalApp } from "./input.ts";

/** Values by flag without its dashes, such as "app-created-at". */
export type Rows = Readonly<Record<string, string>>;

interface Report {
  /** Null for the server as a whole. */
  readonly app: string | null;
  readonly rows: Rows;
}

export interface ReportDeclaration {
  readonly name: string;
  readonly summary: string;
  /** The word in "=====> blog app information". */
  readonly about: string;
  /** What JSON keys also exist without, such as "app-". */
  readonly prefix: string;
  rows(ctx: CommandContext, app: App): Rows;
  /** What holds for the server as a whole: `--global`. */
  globalRows?(ctx: CommandContext): Rows;
}

/** Dokku's family of reports: one app or all, as rows, one value (`--app-created-at`) or JSON. */
export function defineReport(declaration: ReportDeclaration) {
  const { name, summary, about, prefix } = declaration;
  return defineCommand({
    name,
    summary,
    role: "deploy",
    effect: "read",
    args: { app: optionalApp },
    flags: {
      global: { kind: "switch", summary: "of the server, instead of apps" },
      row: { kind: "rows", summary: "print only the value of this row" },
    },
    examples: [name, `${name} blog`, `${name} blog --format json`],
    run(ctx, input): Report[] {
      return reportsOf(declaration, ctx, input).map(({ app, rows }) => ({
        app,
        rows: chosen(rows, input.row),
      }));
    },
    text: (reports, { input, quiet }) =>
      reports.flatMap(({ app, rows }) =>
        input.row.length > 0
          ? Object.values(rows)
          : [...(quiet ? [] : [`=====> ${app ?? "Global"} ${about} information`]), ...rowLines(rows)],
      ),
    json: (reports, { input }) =>
      input.app === null && !input.global
        ? reports.map(({ app, rows }) => ({ app, ...bothKeys(rows, prefix) }))
        : bothKeys(reports[0]?.rows ?? {}, prefix),
  });
}

function reportsOf(
  declaration: ReportDeclaration,
  ctx: CommandContext,
  input: { readonly app: App | null; readonly global: boolean },
): Report[] {
  if (input.global) {
    const rows = declaration.globalRows?.(ctx);
    if (rows === undefined) throw new UserError(`${declaration.name} has nothing to tell with --global`);
    return [{ app: null, rows }];
  }
  const apps = input.app === null ? visibleApps(ctx.state, ctx.actor) : [input.app];
  if (apps.length === 0) ctx.err(` !     ${noApps}`);
  return apps.map((app) => ({ app: app.name, rows: declaration.rows(ctx, app) }));
}

export const noApps = "You haven't deployed any applications yet";

/** All rows, or those that flags such as "--app-created-at" ask for. */
function chosen(rows: Rows, flags: readonly string[]): Rows {
  if (flags.length === 0) return rows;
  return Object.fromEntries(
    flags.map((flag) => {
      const key = flag.slice(2);
      if (!flag.startsWith("--") || !Object.hasOwn(rows, key)) throw invalidFlag(rows);
      return [key, rows[key] ?? ""];
    }),
  );
}

function invalidFlag(rows: Rows): UserError {
  const valid = Object.keys(rows)
    .toSorted()
    .map((key) => `--${key}`);
  return new UserError(`Invalid flag passed, valid flags: ${valid.join(", ")}`);
}

/** "       App created at:                1700000000", sorted. */
function rowLines(rows: Rows): string[] {
  const keys = Object.keys(rows).toSorted();
  const width = Math.max(31, ...keys.map((key) => key.length + 2));
  return keys.map((key) => {
    const words = key.replaceAll(/[-.]/g, " ");
    return `       ${`${words.charAt(0).toUpperCase()}${words.slice(1)}:`.padEnd(width)}${rows[key]}`;
  });
}

/** Clients know the keys both with and without the plugin's name before them. */
function bothKeys(rows: Rows, prefix: string): Rows {
  const short = Object.entries(rows).map(([key, value]) => [
    key.startsWith(prefix) ? key.slice(prefix.length) : key,
    value,
  ]);
  return { ...Object.fromEntries(short), ...rows };
}
