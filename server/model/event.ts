/** Something that happened, kept for audit and shown on the dashboard. */
export interface Event {
  readonly id: number;
  /** Unix milliseconds. */
  readonly at: number;
  /** Null for the server itself. */
  readonly app: string | null;
  /** Name of the key, or "slipway". */
  readonly actor: string;
  /** Such as "deploy.succeeded", "process.crashed", "command". */
  readonly kind: string;
  readonly message: string;
}
