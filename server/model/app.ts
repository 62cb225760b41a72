import { UserError } from "./error.ts";

export interface App {
  readonly id: number;
  readonly name: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** Branch whose pushes deploy; null until the first push, which sets it. */
  readonly deployBranch: string | null;
  /** First of the 65 536 host user ids that belong to this app alone. */
  readonly idBase: number;
  /** Release that serves traffic, null before the first good deploy. */
  readonly currentReleaseId: number | null;
  /** False after ps:stop, until ps:start. */
  readonly wanted: boolean;
}

const appName = /^[a-z0-9][a-z0-9.-]*$/;

/** Throws a UserError with Dokku's words when `name` cannot name an app. */
export function checkAppName(name: string): void {
  if (name === "") throw new UserError("Please specify an app to run the command on");
  const dotted = name.includes("..") || name.endsWith(".");
  if (appName.test(name) && !dotted && name.length <= 63) return;
  throw new UserError(
    "App name must begin with lowercase alphanumeric character, and may only contain lowercase alphanumerics, dots, and hyphens",
  );
}
