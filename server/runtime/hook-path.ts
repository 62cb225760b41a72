import { join } from "node:path";
import { binaries } from "../../native/index.ts";

/** The pre-receive hook of git repositories, a program of native/. */
export const hookPath = join(binaries, "slipway-hook");
