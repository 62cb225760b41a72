import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { packageRoot } from "../../server/paths.ts";

const compilers = ["g++", "clang++", "clang++-19", "clang++-16", "clang++-14"];
const folder = join(packageRoot, "native/build/replay");

/**
 * Builds what native/fuzz/Makefile calls `goal` with AddressSanitizer and UndefinedBehaviorSanitizer, or what of it has
 * changed. Returns the folder of the binaries; skips the test where no compiler has these sanitizers.
 */
export async function buildSanitized(
  test: Mocha.Context,
  goal: "targets" | "slipway-monitor",
): Promise<string> {
  test.timeout(600_000); // many compilers may be at work on this machine
  const compiler = compilers.find(hasSanitizers);
  if (compiler === undefined) {
    console.log(`      skipped: none of ${compilers.join(", ")} can link -fsanitize=address,undefined here`);
    return test.skip();
  }
  const makefile = ["-C", join(packageRoot, "native/fuzz"), "BUILD=replay", `CXX=${compiler}`];
  await promisify(execFile)("make", ["-s", `-j${availableParallelism()}`, ...makefile, goal]);
  return folder;
}

function hasSanitizers(compiler: string): boolean {
  const scratch = mkdtempSync(join(tmpdir(), "slipway-sanitizers-"));
  try {
    const source = join(scratch, "empty.cc");
    writeFileSync(source, "int main() {}\n");
    const program = join(scratch, "empty");
    execFileSync(compiler, ["-fsanitize=address,undefined", "-o", program, source], { stdio: "ignore" });
    execFileSync(program);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
