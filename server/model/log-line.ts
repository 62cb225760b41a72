/** One line that an app wrote, from any of its processes. */
export interface LogLine {
  /** RFC 3339 with nanoseconds, UTC: sorts as text. */
  readonly at: string;
  /** Such as "web.1". */
  readonly process: string;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}
