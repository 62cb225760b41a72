import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { RawContext } from "../command.ts";

/** Connects git to the client and resolves with its exit status. `onGone` is called when the client goes away. */
export async function relay(ctx: RawContext, child: ChildProcess, onGone: () => void): Promise<number> {
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error("git was started without pipes");
  const gone = () => {
    // Nobody reads any more; git must not be held up by that.
    stdout.unpipe(ctx.stdout);
    stderr.unpipe(ctx.stderr);
    stdout.resume();
    stderr.resume();
    onGone();
  };
  ctx.signal.addEventListener("abort", gone, { once: true });
  stdin.on("error", () => {});
  ctx.stdin.pipe(stdin);
  stdout.pipe(ctx.stdout, { end: false });
  stderr.pipe(ctx.stderr, { end: false });
  if (ctx.signal.aborted) gone();
  const [code] = (await once(child, "close")) as [number | null];
  return code ?? 1;
}
