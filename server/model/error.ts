/**
 * A mistake or refusal that the person asking can understand and act on: one line saying what failed, why
 * and what to do. Everything that is not a UserError is a fault of ours: its detail goes to the log only.
 */
export class UserError extends Error {
  override readonly name = "UserError";
  /** Exit status that the SSH client sees. */
  readonly exitCode: number;

  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
  }
}

/** Dokku's clients test for exactly this text and exit status 20. */
export function appNotFound(name: string): UserError {
  return new UserError(`App ${name} does not exist`, { exitCode: 20 });
}

/** The message of anything thrown, for logs and for wrapping. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
